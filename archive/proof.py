"""Proves, before anything is copied, that a restore to a target can succeed: which backup, which WAL.

Without it PostgreSQL fails late or not at all: it ends recovery quietly at missing or damaged WAL for the
latest state, and gives the backup's end for a time before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from archive import complaints
from archive.backups import Backups, BaseBackup
from archive.chain import Chain, chain_from, run_up
from archive.commits import (
    Commit,
    find_restore_point,
    find_xid,
    first_after,
    last_commit,
    last_commit_before,
    latest_time_before,
    record_from,
)
from archive.segments import Segment
from archive.targets import Target
from archive.verification import check_files
from archive.wal import Archive
from problem import Problem
from toolchain.postgres import Binaries, find_binaries


@dataclass(frozen=True)
class Proof:
    """A restore that can succeed. Set recovery_target_timeline to ``chain.timeline``.

    ``needed`` are the segments up to the target; a record at its end may run on into one more. ``notes`` tell
    which newer backups were passed over, and why.
    """

    backup: BaseBackup
    chain: Chain
    target: Target
    binaries: Binaries
    needed: tuple[Segment, ...]
    stop_lsn: int
    """Records that begin before it are replayed, and none after it."""
    notes: tuple[str, ...] = ()

    @cached_property
    def expected(self) -> Commit | None:
        """The last commit that the restored database will hold; None: none since the backup began."""
        return last_commit_before(self.chain, self.stop_lsn, self.binaries)


def prove(
    backups: Backups, archive: Path | Archive, target: Target, binaries: Binaries, now: datetime
) -> Proof:
    """Find the newest base backup (or the named one) from which the target can be reached.

    Quick: of the backup at most names and sizes are checked, and a few segments are read; copying it with a
    ``Verification`` and ``waldump.verify_wal`` read all. Problems: no-backup, backup-damaged,
    postgres-version-mismatch, wal-missing, wal-not-archived-yet, wal-damaged, target-in-future,
    target-before-backup, target-not-found.
    """
    if target.kind == "time" and target.time > now:
        raise complaints.in_future(target, now)
    listing = archive if isinstance(archive, Archive) else Archive.scan(archive)
    refused, searched = list[Problem](), dict[int, int]()
    for backup in _candidates(backups, target):
        try:
            fitting = _fitting(backup, binaries)
            proof = _Attempt(backup, backups, listing, target, fitting, searched).prove(_notes(refused))
            return replace(proof, notes=(*proof.notes, *_flaws(backups, proof)))
        except Problem as problem:
            refused.append(problem)
    raise _most_telling(refused) if refused else complaints.no_backup(target, backups)


def _candidates(backups: Backups, target: Target) -> list[BaseBackup]:
    """Newest first, those with a flaw last; or just the one that is named."""
    name = target.value if target.kind == "snapshot" else target.backup
    found = [backup for backup in reversed(backups.usable) if name in (None, backup.name)]
    return sorted(found, key=lambda backup: bool(backup.flaw))


def _fitting(backup: BaseBackup, binaries: Binaries) -> Binaries:
    """The given programs if they are of the backup's major version, else others of this machine."""
    if binaries.major == backup.version_major:
        return binaries
    try:
        return find_binaries(backup.version_major)
    except Problem as problem:
        raise complaints.wrong_version(backup, binaries.version) from problem


def _notes(refused: list[Problem]) -> tuple[str, ...]:
    return tuple(problem.what for problem in refused if problem.name == "backup-damaged")


def _flaws(backups: Backups, proof: Proof) -> Iterator[str]:
    """Of the backup that is taken, and of those that only theirs has kept from it."""
    for one in backups.usable:
        if one.flaw and one == proof.backup:
            yield f"The base backup {one.name} is damaged as the original was: {one.flaw}."
        elif one.flaw and proof.backup.stop_lsn < one.stop_lsn <= proof.stop_lsn:
            yield f"The base backup {one.name} was passed over: {one.flaw}."


def _most_telling(refused: list[Problem]) -> Problem:
    """What keeps the newest backup from it; "before" and "not found" only if all say so, of the oldest."""
    for problem in refused:
        if problem.name not in ("target-before-backup", "target-not-found"):
            return problem
    return next((problem for problem in reversed(refused) if problem.name == "target-not-found"), refused[-1])


@dataclass(frozen=True)
class _Attempt:
    """One backup tried. ``searched``: by timeline, from where on the WAL was searched in vain already."""

    backup: BaseBackup
    backups: Backups
    archive: Archive
    target: Target
    binaries: Binaries
    searched: dict[int, int]

    def prove(self, notes: tuple[str, ...]) -> Proof:
        check_files(self.backup)
        if self.chain.end_lsn < self.backup.stop_lsn:
            raise self._unreachable()
        stop, included = getattr(self, f"_{self.target.kind}")()
        proof = Proof(
            backup=self.backup,
            chain=self.chain,
            target=self.target,
            binaries=self.binaries,
            needed=self.chain.up_to(stop),
            stop_lsn=stop + included,
            notes=notes,
        )
        if self.target.kind in ("snapshot", "latest"):
            _ = proof.expected  # the other kinds have looked into the WAL to find their target
        return proof

    @cached_property
    def chain(self) -> Chain:
        return chain_from(self.backup, self.archive)

    # Each gives the position that recovery has to read, and whether a record that begins there is replayed.

    def _snapshot(self) -> tuple[int, bool]:
        return self.backup.stop_lsn - 1, True

    def _latest(self) -> tuple[int, bool]:
        if self.chain.gap:
            raise self._unreachable()
        return self.chain.end_lsn - 1, True

    def _time(self) -> tuple[int, bool]:
        earliest = earliest_time(self.backup, self.archive, self.binaries)
        moment, inclusive = self.target.time, self.target.inclusive
        if moment < earliest or (moment == earliest and not inclusive):
            raise complaints.before_backup(self.target, self.backup, earliest)
        stop = first_after(self.chain, moment, self.binaries, inclusive)
        if stop is None:
            raise self._unreachable()
        return stop.lsn, False

    def _lsn(self) -> tuple[int, bool]:
        if self.target.lsn < self.backup.stop_lsn:
            raise complaints.before_backup(self.target, self.backup, None)
        # Recovery stops at a record: after the last one of the archive it would go on waiting for another.
        record = record_from(self.chain, self.target.lsn, self.binaries)
        if record is None:
            raise self._unreachable()
        return record, self.target.inclusive

    def _xid(self) -> tuple[int, bool]:
        found = find_xid(self.chain, self.target.xid, self.binaries, self._unsearched)
        return self._after_backup(found.lsn if found else None), self.target.inclusive

    def _name(self) -> tuple[int, bool]:
        found = find_restore_point(self.chain, self.target.value or "", self.binaries, self._unsearched)
        return self._after_backup(found), True

    @property
    def _unsearched(self) -> int | None:
        """Where the WAL begins that a newer backup's attempt has read to its end."""
        return self.searched.get(self.chain.timeline)

    def _after_backup(self, lsn: int | None) -> int:
        if lsn is None:
            self.searched[self.chain.timeline] = self.backup.stop_lsn
            raise (
                self._unreachable()
                if self.chain.gap
                else complaints.not_found(self.target, self._reach(), self.archive)
            )
        if lsn < self.backup.stop_lsn:
            raise complaints.before_backup(self.target, self.backup, None)
        return lsn

    def _reach(self) -> complaints.Reach:
        return complaints.Reach(self.backup, self.chain, last_commit(self.chain, self.binaries))

    def _unreachable(self) -> Problem:
        return complaints.unreachable(self.target, self._reach(), self.backups, self.archive)


def earliest_time(backup: BaseBackup, archive: Archive, binaries: Binaries) -> datetime:
    """The earliest time target that a backup can give: the last commit that it holds in any case.

    Where the WAL before the backup is gone and its own has no commit, the second after its start: every
    commit before the backup is older.
    """
    found = latest_time_before(run_up(backup, archive), backup.stop_lsn, binaries)
    return found or backup.started_at + timedelta(seconds=1)
