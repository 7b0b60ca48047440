"""A cluster whose history is to be searched: base backups, WAL in an archive, and a folder for restores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from archive.backups import list_backups
from archive.wal import Archive
from finding.hunt import Hunt
from finding.scene import Scene
from finding.stretches import Window
from tests.support.servers import Postgres, account, scratch


@dataclass
class History:
    """A running source in a folder of its own."""

    folder: Path
    server: Postgres
    told: list[str] = field(default_factory=list)
    off: int = 0
    lock: int = 0
    schema: str = "public"
    """Where statements find their tables."""

    @property
    def restores(self) -> Path:
        return self.folder / "restores"

    def do(self, statement: str, database: str = "postgres") -> int:
        """Run statements as one transaction; its id."""
        with psycopg.connect(self.server.url(database), options=self._path) as connection:
            row = connection.execute("SELECT pg_current_xact_id()::xid::text").fetchone()
            connection.execute(statement.encode())
        assert row
        return int(row[0])

    def many(self, count: int, statement: str) -> None:
        """So many transactions, one after the other, not waited for by the disk; ``n`` counts from 0."""
        loop = f"DO $$BEGIN FOR n IN 0..{count - 1} LOOP {statement}; COMMIT; END LOOP; END$$"
        with psycopg.connect(self.server.url(), autocommit=True, options=self._path) as connection:
            connection.execute("SET synchronous_commit = off")
            connection.execute(loop.encode())

    @property
    def _path(self) -> str:
        return f"-c search_path={self.schema}"

    def backup(self, name: str) -> Path:
        return self.server.base_backup(name, self.folder / "backups")

    def hunt(self, window: Window = Window(), database: str = "postgres") -> Hunt:  # noqa: B008
        """A search in all that was archived so far."""
        self.server.switch_wal()
        return self.hunt_as_is(window, database)

    def hunt_as_is(self, window: Window = Window(), database: str = "postgres") -> Hunt:  # noqa: B008
        """The same, where the source may be stopped."""
        backups, archive = list_backups(self.folder / "backups"), Archive.scan(self.folder / "archive")
        return Hunt(Scene(backups, archive, database, self.restores, account(), self.told.append), window)

    def left(self) -> list[str]:
        """What searches left among the restores."""
        return sorted(path.name for path in self.restores.iterdir()) if self.restores.exists() else []


@contextmanager
def history(**settings: str) -> Iterator[History]:
    with (
        scratch("reforge-find-test-") as folder,
        Postgres(folder / "source", archive=folder / "archive", settings=settings) as server,
    ):
        yield History(folder, server)
