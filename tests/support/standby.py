"""A real streaming standby of a real PostgreSQL, by pg_basebackup -R."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.support.ground import folder, run, wait_until
from tests.support.postgres import Postgres, postgres_tool


class Standby(Postgres):
    """Streams from ``primary``, by the application name ``name``; taken when it first starts."""

    def __init__(
        self,
        directory: Path,
        primary: Postgres,
        name: str = "walreceiver",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(directory, settings=settings)
        self.primary, self.name = primary, name

    def start(self) -> None:
        super().start()
        wait_until(self.streams, what=f"{self.name} streaming")

    def streams(self) -> bool:
        return bool(self.execute("SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'"))

    def in_recovery(self) -> bool:
        return bool(self.execute("SELECT pg_is_in_recovery()")[0][0])

    def catch_up(self) -> None:
        """Until everything that the primary has by now is replayed."""
        lsn = self.primary.execute("SELECT pg_current_wal_flush_lsn()")[0][0]
        reached = f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'"
        wait_until(lambda: self.execute(reached)[0][0], what=f"{self.name} replaying {lsn}")

    def _initialise(self) -> None:
        folder(self.directory)
        conninfo = f"{self.primary.url()}?application_name={self.name}"
        command = [str(postgres_tool("pg_basebackup")), "-D", str(self.data), "-d", conninfo, "-R"]
        run([*command, "-X", "stream", "-c", "fast", "--no-sync"])
        self._configure()
