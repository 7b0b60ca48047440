"""An instance made from a base backup and WAL: proven, copied, configured, recovered to its target."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import ClassVar

from archive.commits import last_record
from archive.lsn import format_lsn
from archive.proof import Proof, prove
from archive.repositories.repository import look_into
from dbrestore.forecast import Forecast
from dbrestore.handler import Context, State
from dbrestore.postgres import configuring, durability, tablespaces
from dbrestore.postgres.cluster import Cluster
from dbrestore.postgres.combining import staged
from dbrestore.postgres.copying import COPYING, interrupted
from dbrestore.postgres.delegating import bring
from dbrestore.postgres.feeding import feeder
from dbrestore.postgres.inputs import InstanceInputs
from dbrestore.postgres.lookout import Lookout
from dbrestore.postgres.lookout import remove as remove_unread
from dbrestore.postgres.making import Making
from dbrestore.postgres.mark import Mark, read_mark
from dbrestore.postgres.placement import Placement
from dbrestore.postgres.recovery import (
    REPLAYING,
    Reached,
    bootstrap_superuser,
    promote,
    recover,
    silence_subscriptions,
)
from dbrestore.postgres.spool import Spool
from dbrestore.space import Need
from problem import Problem
from toolchain.accounts import Account, account, server_account
from toolchain.postgres import Binaries, find_binaries

_WAL_KEPT = 5
"""Segments in pg_wal of an instance that was just promoted: the default min_wal_size of 80 MB."""


class Physical(Making):
    """The phases ``copying``, ``recovering``, ``settling``: PostgreSQL goes on with a replay where it was."""

    continued: ClassVar = frozenset({"recovering", "settling", "ready"})
    _proof: Proof

    def __init__(self, inputs: InstanceInputs) -> None:
        super().__init__(inputs)
        self._begun = durability.nothing_begun()
        """The sync that works beside the promotion."""

    @property
    def words(self) -> str:
        until = self.inputs.until
        return f"{until.kind} {until.value or ''}".strip() + ("" if until.inclusive else " exclusive")

    def account(self) -> Account | None:
        if os.geteuid() != 0:
            return None
        if self.inputs.run_as:
            return account(self.inputs.run_as)
        archive = self.inputs.source.archive
        owner = archive.owner() if isinstance(archive, Path) else "root"
        return account(owner) if owner != "root" else server_account()

    def examine(self, context: Context) -> None:
        self._proof = _reachable(self.inputs)
        tablespaces.check(self.inputs, self._proof.backup, ())

    def forecast(self) -> Forecast:
        """Replay needs room for what it adds to tables, and for the few segments that stay in pg_wal."""
        backup, needed = self._proof.backup, self._proof.needed
        replayed = len(needed) * backup.segment_size
        size = sum(one.size for one in backup.chain)
        spaces = tablespaces.needs(self.inputs, backup)
        room = size - sum(need.count for need in spaces) + staged(backup) + _WAL_KEPT * backup.segment_size
        own = Need(self.inputs.directory, room, replayed, _folder(self.inputs))
        return Forecast((own, *spaces), ((COPYING, size), (REPLAYING, replayed)))

    def prove(self, context: Context) -> Binaries:
        """Nothing is copied before the backup is known to be whole and the WAL to reach the target."""
        context.progress("proving that the WAL reaches the target")
        mark = read_mark(self.inputs.directory)
        halfway = mark if mark and mark.phase == "recovering" and self.goes_on(mark) else None
        self._proof = _reachable(self.inputs, halfway)
        for note in self._proof.notes:
            context.progress(note)
        return find_binaries(self._proof.backup.version_major)

    def make(self, context: Context, cluster: Cluster, mark: Mark) -> Mark:
        if mark.phase == "copying":
            backup = self._proof.backup
            spaces = tablespaces.locations(self.inputs, backup)
            holders = tablespaces.check(self.inputs, backup, mark.tablespaces)
            mark = replace(mark, tablespaces=holders).write()
            size = self._bring(Placement(cluster.directory, cluster.account, spaces), context)
            context.progress(f"copied and verified {size} bytes; writing the settings of the new instance")
            configuring.configure(cluster, self.inputs, self._proof)
            beyond = configuring.beyond(self._proof)
            mark = replace(mark.at("recovering"), backup=backup.name, beyond=beyond).write()
        if mark.phase == "recovering":
            reached = self._recover(context, cluster)
            context.progress(f"promoted at {format_lsn(reached.lsn)}")
            commit = reached.last_commit.isoformat() if reached.last_commit else ""
            reached_lsn = format_lsn(reached.lsn)
            mark = replace(mark.at("settling"), reached_lsn=reached_lsn, reached_time=commit).write()
        return mark

    def _bring(self, placement: Placement, context: Context) -> int:
        """The base backup in its place; WAL that is far is read meanwhile for what must not be replayed."""
        proof, over = self._proof, Event()
        if proof.chain.archive.folder:
            size = bring(proof.backup, placement, context)
            if context.cancelled.is_set():
                raise interrupted()
            return size
        span = proof.backup.start_lsn, proof.stop_lsn
        with ThreadPoolExecutor(1) as pool:
            looking = pool.submit(tablespaces.refuse_new, proof.chain, span, proof.binaries, over.is_set)
            try:
                size = bring(proof.backup, placement, context)
                while not looking.done() and not context.cancelled.wait(0.05):
                    pass
                if context.cancelled.is_set():
                    raise interrupted()
            finally:
                over.set()
            looking.result()
        return size

    def _recover(self, context: Context, cluster: Cluster) -> Reached:
        if not configuring.is_fed(cluster.directory):
            with Lookout(cluster.directory, self._proof) as lookout:
                return self._promoted(cluster, context, lookout.check)
        with feeder(cluster, self._proof) as feeding:
            if feeding.neglected:
                cluster.stop()  # it has waited so long for WAL that it may give up at any moment
            try:
                return self._promoted(cluster, context)
            except Problem as problem:
                raise feeding.problem or problem from problem

    def _promoted(
        self, cluster: Cluster, context: Context, check: Callable[[], None] = lambda: None
    ) -> Reached:
        """Recovered and promoted; what was replayed goes to disk beside the promotion already."""
        reached = recover(cluster, self.inputs.until.target(), _reach(self._proof), context, check)
        self._begun = durability.begin_sync(_folders(read_mark(cluster.directory)))
        promote(cluster, reached)
        return reached

    def settle(self, cluster: Cluster) -> State:
        """A clean stop, the settings of every day, everything on disk: only then is it more than a try."""
        configuring.start_and_wait(cluster)  # a run that was killed here may have stopped it
        silenced = silence_subscriptions(cluster, bootstrap_superuser(cluster))
        cluster.stop()
        configuring.leave_recovery_settings(cluster.directory)
        Spool(cluster.directory, cluster.account).remove()
        remove_unread(cluster.directory)
        folders = _folders(read_mark(cluster.directory))
        syncing = durability.begin_sync(folders)
        configuring.start_and_wait(cluster)
        for begun in (self._begun, syncing):
            begun.result()
        libraries = configuring.left_out_libraries(cluster.directory)
        return {"quarantined": {"subscriptions": silenced, "libraries": libraries}}

    def outputs(self, mark: Mark) -> State:
        return {
            "backup": mark.backup or self._proof.backup.name,
            "reachedLsn": mark.reached_lsn,
            "reachedTime": mark.reached_time,
        }


def _folders(mark: Mark | None) -> list[Path]:
    """All that an instance lies in."""
    return [Path(mark.directory), *map(Path, mark.tablespaces)] if mark else []


def _folder(inputs: InstanceInputs) -> Path | None:
    """The folder of the backups, if it is one of this machine."""
    return inputs.source.backups if isinstance(inputs.source.backups, Path) else None


def _reachable(inputs: InstanceInputs, halfway: Mark | None = None) -> Proof:
    """The quick proof, by the programs of each backup's version; of what is ``halfway``, as it began."""
    found, target = look_into(inputs.source), inputs.until.target()
    archive = found.archive.before(halfway.beyond) if halfway and halfway.beyond else found.archive
    target = replace(target, backup=(halfway and halfway.backup) or target.backup)
    proof = prove(found.backups, archive, target, find_binaries(), datetime.now(UTC))
    return configuring.ending(proof)


def _reach(proof: Proof) -> tuple[int, int]:
    """Where replay begins, and the position that it comes to at the latest."""
    if proof.target.kind == "latest":
        return proof.backup.start_lsn, last_record(
            proof.chain, find_binaries(proof.backup.version_major)
        ) or 0
    last = proof.needed[-1]
    return proof.backup.start_lsn, last.start_lsn + last.size
