"""A real cluster with a short life: base backups, commits of every kind, an archive; then stopped.

Built once. Tests that break something work on a copy made of links, which costs nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from archive.backups import Backups, list_backups
from archive.proof import Proof, prove
from archive.targets import Target
from archive.wal import Archive
from tests.support.servers import Postgres, scratch
from toolchain.postgres import Binaries, find_binaries


@dataclass(frozen=True)
class Row:
    """One committed insert: its transaction, its commit time, and the WAL position just before its commit."""

    number: int
    xid: str
    time: datetime
    lsn: str


@dataclass(frozen=True)
class World:
    """Folders of the cluster and what happened in it: rows by number, names of archived segments by step."""

    folder: Path
    rows: dict[int, Row]
    steps: dict[str, str]

    @property
    def wal(self) -> Path:
        return self.folder / "wal"

    @property
    def base(self) -> Path:
        return self.folder / "base"

    @property
    def data(self) -> Path:
        return self.folder / "source" / "data"

    @property
    def backups(self) -> Backups:
        return list_backups(self.base)

    def copy(self, folder: Path) -> World:
        """The same backups and archive elsewhere, as hard links: replace files, never write into them."""
        shutil.copytree(self.wal, folder / "wal", copy_function=os.link)
        shutil.copytree(self.base, folder / "base", copy_function=os.link)
        (folder / "source").mkdir()
        (folder / "source/data").symlink_to(self.data)
        return World(folder, self.rows, self.steps)

    def prove(self, target: Target, now: datetime | None = None, data: Path | None = None) -> Proof:
        archive = Archive.scan(self.wal, data) if data else self.wal
        return prove(self.backups, archive, target, find_binaries(), now or datetime.now(UTC))


def insert(server: Postgres, number: int, how: str = "COMMIT") -> Row:
    """Insert a row and end its transaction so, ``COMMIT PREPARED`` among the ways."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("BEGIN")
        xid = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
        connection.execute("INSERT INTO t VALUES (%s)", [number])
        if how == "COMMIT PREPARED":
            connection.execute("PREPARE TRANSACTION 'two'")
            how = "COMMIT PREPARED 'two'"
        lsn = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
        connection.execute(how.encode())
        moment = connection.execute("SELECT pg_xact_commit_timestamp(%s::xid)", [xid and xid[0]]).fetchone()
    assert xid
    assert lsn
    assert moment
    return Row(number, xid[0], moment[0].astimezone(UTC) if moment[0] else datetime.min, lsn[0])


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    return find_binaries()


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with scratch() as folder:
        settings = {"track_commit_timestamp": "on", "max_prepared_transactions": "5"}
        with Postgres(folder / "source", archive=folder / "wal", settings=settings) as server:
            yield live(server, folder)


def live(server: Postgres, folder: Path) -> World:
    """Rows 1..8 around two base backups, each segment switch under the name of its step; then a stop."""
    rows, steps = {}, {}
    server.execute("CREATE TABLE t (i int)")
    rows[1] = insert(server, 1)
    server.base_backup("first", folder / "base")
    rows[2] = insert(server, 2)
    server.execute("SELECT pg_create_restore_point('before-accident')")
    rows[3] = insert(server, 3, "COMMIT PREPARED")
    insert(server, 99, "ROLLBACK")
    steps["early"] = server.switch_wal()
    rows[4] = insert(server, 4)
    steps["middle"] = server.switch_wal()
    rows[5] = insert(server, 5)
    steps["late"] = server.switch_wal()
    server.base_backup("second", folder / "base")
    rows[6] = insert(server, 6)
    steps["after"] = server.switch_wal()
    steps["idle"] = server.switch_wal()
    rows[7] = insert(server, 7)
    steps["end"] = server.switch_wal()
    rows[8] = insert(server, 8)
    server.stop(signal=3)  # a crash: row 8 lies in a segment that was never archived
    return World(folder, rows, steps)


@pytest.fixture
def broken(world: World) -> Iterator[World]:
    """A copy to break, on the same file system so that links work."""
    folder = world.folder / "copy"
    folder.mkdir()
    try:
        yield world.copy(folder)
    finally:
        shutil.rmtree(folder)
