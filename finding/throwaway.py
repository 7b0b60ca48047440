"""One throw-away restore: copied once, moved forward through WAL as far as asked, questioned, removed.

It is a standby that nobody promotes: its WAL is laid in piece by piece (``supply``), so it stands still at
any position without a restart. The step back is another copy, and not made here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

from archive.backups import BaseBackup
from archive.chain import Chain
from archive.control import read_control
from archive.lsn import format_lsn, parse_lsn
from archive.spaces import first_new_tablespace
from dbrestore.handler import Context
from dbrestore.postgres import settings
from dbrestore.postgres.cluster import Cluster, Unanswered
from dbrestore.postgres.combining import staged
from dbrestore.postgres.configuring import AUTO
from dbrestore.postgres.delegating import bring
from dbrestore.postgres.placement import Placement
from dbrestore.postgres.tablespaces import refuse_new
from dbrestore.progress import Meter
from dbrestore.space import Need, fitting
from finding.answer import Effort
from finding.catalogs import Catalogs, Read
from finding.places import cluster_in, place
from finding.reading import keep, remembered
from finding.scene import Scene
from finding.supply import Supply
from problem import Problem
from toolchain.accounts import Account

POLL_SECONDS = 0.005
PATIENCE_SECONDS = 120.0
"""How long replay may stand still before the position before it is given up."""
_WAL_KEPT = 3
"""Segments that are laid in as copies at the same time."""
_TARGETS = ("", "_lsn", "_name", "_time", "_xid")


@dataclass
class ThrowAway:
    """A running standby. ``position``: everything before it was replayed. Sizes in bytes."""

    cluster: Cluster
    supply: Supply
    context: Context
    copied: int
    position: int = 0
    _looked: int = 0
    _barrier: float = inf

    def advance(self, lsn: int) -> None:
        """Replay everything before a position where a record ends; never back.

        Problem ``find-replay-failed`` where PostgreSQL ends or does not come there, and
        ``tablespace-created-since`` where replay would write into a folder of the original.
        """
        self._look_ahead(lsn)
        self.supply.up_to(lsn)
        if not self.cluster.running:
            self.cluster.start()
        meter = Meter("replaying WAL", max(0, lsn - self.position), self.context.progress)
        begin, reached, deadline = self.position, self.position, time.monotonic() + PATIENCE_SECONDS
        while (now := self._replayed()) < lsn:
            if now > reached:
                reached, deadline = now, time.monotonic() + PATIENCE_SECONDS
                meter.reach(now - begin)
            if not self.cluster.running or time.monotonic() > deadline:
                what = f"The throw-away restore does not come to {format_lsn(lsn)}."
                raise Problem("find-replay-failed", what, self.cluster.complaint())
            time.sleep(POLL_SECONDS)
        self.position = lsn

    def _look_ahead(self, lsn: int) -> None:
        """Never replay a CREATE TABLESPACE. WAL is looked through for each segment, not for each step."""
        chain, binaries = self.supply.chain, self.cluster.binaries
        if lsn > self._looked:
            begin, self._looked = self._looked, chain.segments[chain.index(lsn - 1)].end_lsn
            found = first_new_tablespace(chain, (begin, self._looked), binaries)
            self._barrier = min(self._barrier, found.lsn) if found else self._barrier
        if lsn > self._barrier:
            refuse_new(chain, (int(self._barrier), lsn), binaries)

    def _replayed(self) -> int:
        try:
            with self.cluster.connect() as connection:
                row = connection.execute("SELECT pg_last_wal_replay_lsn()::text").fetchone()
        except Unanswered:
            return 0
        return parse_lsn(row[0]) if row and row[0] else 0


@contextmanager
def throw_away(backup: BaseBackup, chain: Chain, scene: Scene) -> Iterator[ThrowAway]:
    """A throw-away restore of a base backup, ready to be moved forward; it is gone afterwards."""
    context, owner = Context("find", scene.tell), scene.owner
    room = sum(one.size for one in backup.chain) + staged(backup) + _WAL_KEPT * backup.segment_size
    fitting([Need(scene.beside, room, source=backup.folder)])
    with place(scene.beside, owner) as data:
        copied = _copied(backup, data, owner, context)
        user = Catalogs(lambda name: (data / name).read_bytes(), backup.version_major).superuser
        cluster = cluster_in(data, user)
        _configure(cluster, chain.timeline)
        supply = Supply(chain, data / "pg_wal", owner)
        supply.begin()
        yield ThrowAway(cluster, supply, context, copied)


def unpacked(backup: BaseBackup, scene: Scene, effort: Effort) -> Read:
    """The names' files of a base backup that has to be unpacked for it; nothing of it stays."""
    scene.tell(f"unpacking base backup {backup.name} for the names of its tables")
    with place(scene.beside, scene.owner) as data:
        effort.copied += _copied(backup, data, scene.owner, Context("find", scene.tell))
        effort.copies += 1
        read = remembered(lambda name: (data / name).read_bytes())
        keep(Catalogs(read, backup.version_major), scene.database)
    return read


def _copied(backup: BaseBackup, data: Path, owner: Account | None, context: Context) -> int:
    """Copy in another thread, so that an interrupt here ends it soon and not at its end."""
    with ThreadPoolExecutor(1) as pool:
        copying = pool.submit(bring, backup, Placement.within(data, owner, backup.tablespaces), context)
        try:
            return copying.result()
        finally:
            context.cancelled.set()


def _configure(cluster: Cluster, timeline: int) -> None:
    """In quarantine, small, on a private socket, without a care for durability, a standby for ever."""
    directory, major = cluster.directory, cluster.binaries.major
    main, auto = (_text(directory / name) for name in ("postgresql.conf", AUTO))
    overrides = (
        {name: str(value) for name, value in read_control(directory, cluster.binaries).minimums.items()}
        | settings.quarantine(directory, settings.value_of([main, auto], "shared_preload_libraries"))
        | {f"recovery_target{kind}": "" for kind in _TARGETS}
        | {
            "restore_command": "",
            "recovery_target_timeline": str(timeline),
            "recovery_min_apply_delay": "0",
            "wal_retrieve_retry_interval": "5ms",
            "hot_standby": "on",
            "fsync": "off",
            "shared_buffers": "128MB",
            "huge_pages": "off",
            "ssl": "off",
            "listen_addresses": "",
            "port": str(cluster.port),
            "unix_socket_directories": str(cluster.socket_directory),
            "unix_socket_permissions": "0700",
        }
        | ({"recovery_prefetch": "off"} if major >= 15 else {})
        | ({"promote_trigger_file": ""} if major < 16 else {})
    )
    _write(directory / "postgresql.conf", main, cluster.account)
    _write(directory / AUTO, settings.merged(auto, overrides), cluster.account)
    _write(directory / settings.HBA_FILE, settings.hba([], []), cluster.account)
    _write(directory / "standby.signal", "", cluster.account)


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _write(path: Path, text: str, owner: Account | None) -> None:
    path.write_text(text)
    if owner:
        os.chown(path, owner.uid, owner.gid)
