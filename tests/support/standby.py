"""A real streaming standby of a real PostgreSQL, by pg_basebackup -R."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.support.ground import folder, run, wait_until
from tests.support.postgres import Postgres, postgres_tool


class Standby(Postgres):
    """Streams from ``primary``, a superuser's URL there; taken when it first starts.

    ``name`` is the application name of its WAL receiver.
    """

    def __init__(
        self,
        directory: Path,
        primary: str,
        name: str = "walreceiver",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(directory, settings=settings)
        self.primary, self.name = primary, name

    def url(self, database: str = "postgres") -> str:
        """As the same superuser."""
        parts = urlsplit(self.primary)
        credentials = parts.netloc.rpartition("@")[0]
        return f"postgresql://{credentials}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        super().start()
        wait_until(self.streams, what=f"{self.name} streaming")

    def streams(self) -> bool:
        return bool(self.execute("SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'"))

    def in_recovery(self) -> bool:
        return bool(self.execute("SELECT pg_is_in_recovery()")[0][0])

    def catch_up(self) -> None:
        """Until everything that the primary has by now is replayed."""
        with psycopg.connect(self.primary, autocommit=True) as primary:
            row = primary.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
        reached = f"SELECT pg_last_wal_replay_lsn() >= '{row[0] if row else ''}'"
        wait_until(lambda: self.execute(reached)[0][0], what=f"{self.name} catching up")

    def _initialise(self) -> None:
        folder(self.directory)
        command = [str(postgres_tool("pg_basebackup")), "-D", str(self.data), "-R"]
        command += ["-d", f"{self.primary}?application_name={self.name}"]
        run([*command, "-X", "stream", "-c", "fast", "--no-sync"])
        self._configure()
