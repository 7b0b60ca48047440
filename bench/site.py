"""The cluster that restores are measured on: pgbench's tables, a base backup, WAL after it, a dump."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from archive.backups import BaseBackup, list_backups
from tests.support.ground import folder, free_port, run, scratch
from tests.support.postgres import Postgres
from toolchain.postgres import Binaries, find_binaries

MB = 1024 * 1024
DATABASE = "postgres"


@dataclass(frozen=True)
class Size:
    """``scale`` is pgbench's, about 15 MB each; ``wal`` are the bytes written after the backup."""

    scale: int
    wal: int
    runs: int


FULL = Size(scale=150, wal=2048 * MB, runs=5)
QUICK = Size(scale=4, wal=24 * MB, runs=1)


@dataclass
class Site:
    """A place on one file system; what is expensive is made when it is first asked for."""

    place: Path
    size: Size

    @property
    def binaries(self) -> Binaries:
        return find_binaries()

    def folder(self, name: str) -> Path:
        """A folder of the servers' account."""
        return folder(self.place / name)

    @property
    def archive(self) -> Path:
        return self.place / "wal"

    @property
    def data(self) -> Path:
        """PGDATA of the source, which is stopped by now."""
        return self.place / "source" / "data"

    @cached_property
    def target(self) -> str:
        """The time to restore to: the end of the load. Makes source, base backup, WAL and dump."""
        with self.server() as server:
            self._pgbench(server, "-i", "-q", "-s", str(self.size.scale))
            server.execute("VACUUM FREEZE")
            server.execute("CHECKPOINT")
            server.base_backup("base", self.place / "base")
            self._load(server)
            time = datetime.now(UTC).isoformat()
            server.execute("CREATE TABLE after_the_target ()")
            server.switch_wal()
            self.bytes = int(server.execute(f"SELECT pg_database_size('{DATABASE}')")[0][0])
            self._dump(server)
        return time

    bytes: int = 0
    """Of the database; known once ``target`` is."""

    @cached_property
    def backup(self) -> BaseBackup:
        """The base backup, plain, of before the load."""
        self.fill()
        return list_backups(self.place / "base").usable[0]

    @property
    def dump(self) -> Path:
        """In directory format, of the end of the load."""
        self.fill()
        return self.place / "dump"

    @cached_property
    def _port(self) -> int:
        return free_port()

    def server(self) -> Postgres:
        """The source, to be started."""
        return Postgres(self.folder("source"), self._port, archive=self.archive)

    def fill(self) -> None:
        """Make everything, where it is not there yet."""
        self.target  # noqa: B018 - a cached property: asking for it makes it

    def remove(self, path: Path) -> None:
        shutil.rmtree(path, ignore_errors=True)

    def _pgbench(self, server: Postgres, *words: str) -> None:
        run([str(self.binaries.tool("pgbench")), *words, server.url()])

    def _load(self, server: Postgres) -> None:
        begun = server.execute("SELECT pg_current_wal_lsn()")[0][0]
        written = f"SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '{begun}')"
        while server.execute(written)[0][0] < self.size.wal:
            self._pgbench(server, "-N", "-n", "-c", "4", "-t", "1000")

    def _dump(self, server: Postgres) -> None:
        command = [str(self.binaries.tool("pg_dump")), "-d", server.url(), "-Fd", "-j2", "-f"]
        run([*command, str(self.place / "dump")])


@contextmanager
def site(size: Size) -> Iterator[Site]:
    """Nothing of it is left afterwards."""
    with scratch("reforge-bench-") as place:
        yield Site(place, size)
