"""The errors of a proof in words: what cannot be reached, why, how far it goes, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from archive.archiver import hint
from archive.backups import Backups, BaseBackup
from archive.chain import Chain
from archive.commits import Commit
from archive.lsn import format_lsn
from archive.targets import Target, iso, utc
from archive.wal import Archive
from problem import Problem


@dataclass(frozen=True)
class Reach:
    """How far one backup gets: its chain, and the last commit in it."""

    backup: BaseBackup
    chain: Chain
    last: Commit | None

    def __str__(self) -> str:
        if self.last is None:
            return f"From base backup {self.backup.name} no commit can be reached beyond the backup itself."
        return (
            f"From base backup {self.backup.name} the archive reaches the commit of {utc(self.last.time)} "
            f"at {format_lsn(self.last.lsn)}."
        )

    @property
    def offer(self) -> str:
        """How to restore as far as it goes."""
        if self.last is None or self.last.lsn < self.backup.stop_lsn:
            return f"restore the backup itself (--snapshot {self.backup.name})"
        return (
            f"restore to that commit (--lsn {format_lsn(self.last.lsn)}) "
            f"or to any time before it (--time before {iso(self.last.time)})"
        )


def unreachable(target: Target, reach: Reach, backups: Backups, archive: Archive) -> Problem:
    """The WAL up to the target is not there: lost, or not archived yet."""
    if reach.chain.gap is None:
        return _not_archived_yet(target, reach, archive)
    return _missing(target, reach, backups, archive)


def _not_archived_yet(target: Target, reach: Reach, archive: Archive) -> Problem:
    segment = reach.chain.following
    return Problem(
        "wal-not-archived-yet",
        f"{_capital(target)} lies after the archived WAL: {segment.name} is not in {archive.place} yet, "
        f"and no later segment is. {reach}{hint(segment, archive.data_directory)}",
        # A time target needs a commit after it; an idle source writes none by itself.
        "On the source: SELECT pg_current_xact_id(); then SELECT pg_switch_wal(); wait until the segment is "
        f"archived and repeat. Or take the latest state (--latest), or {reach.offer}",
    )


def _missing(target: Target, reach: Reach, backups: Backups, archive: Archive) -> Problem:
    chain = reach.chain
    later = "no later segment is there"
    if chain.beyond_gap:
        later = f"{len(chain.beyond_gap)} later segments are there, up to {chain.beyond_gap[-1].name}"
    cause = " (never archived, or removed)" if chain.flaw == "is missing" else ""
    return Problem(
        "wal-missing",
        f"{_capital(target)} cannot be reached: WAL segment {chain.following.name} in {archive.place} "
        f"{chain.flaw}{cause}; {later}. {reach}{hint(chain.following, archive.data_directory)}",
        f"Bring the segment back, or {reach.offer}{_after_gap(reach, backups)}",
    )


def _after_gap(reach: Reach, backups: Backups) -> str:
    end = reach.chain.end_lsn
    names = [backup.name for backup in backups if backup.start_lsn >= end]
    return f", or start from a base backup taken after the gap: {', '.join(names)}" if names else ""


def before_backup(target: Target, backup: BaseBackup, earliest: datetime | None) -> Problem:
    """The target lies before the end of the backup, where PostgreSQL would stop without a word."""
    reached = f"{utc(earliest)}" if earliest else f"LSN {format_lsn(backup.stop_lsn)}"
    return Problem(
        "target-before-backup",
        f"{_capital(target)} lies before the end of base backup {backup.name}, from which the earliest "
        f"reachable point is {reached}",
        f"Restore to a later point or the backup itself (--snapshot {backup.name}), or find an older one",
    )


def in_future(target: Target, now: datetime) -> Problem:
    """A time that has not come yet is a typing error or a wrong zone."""
    ahead = target.time - now
    return Problem(
        "target-in-future",
        f"{_capital(target)} is still {ahead} ahead: here it is {utc(now)}",
        "Check the date and the time zone, or take the latest state (--latest)",
    )


def not_found(target: Target, reach: Reach, archive: Archive) -> Problem:
    """A transaction or a restore point that is nowhere in the WAL that exists."""
    return Problem(
        "target-not-found",
        f"{_capital(target)} is not in the WAL from base backup {reach.backup.name} to "
        f"{reach.chain.segments[-1].name} in {archive.place}. {reach}",
        "Check its spelling. If it is newer than that: SELECT pg_switch_wal() on the source, wait until the "
        f"segment {reach.chain.following.name} is archived, and repeat",
    )


def no_backup(target: Target, backups: Backups) -> Problem:
    """There is nothing to start from, or not the one that was named."""
    wanted = target.value if target.kind == "snapshot" else target.backup
    broken = "; ".join(f"{one.name} {one.why}" for one in backups.broken)
    there = ", ".join(backup.name for backup in backups) or "none that is usable"
    return Problem(
        "no-backup",
        f"There is no base backup {wanted or 'to start from'} in {backups.place}. There: {there}"
        + (f". Not usable: {broken}" if broken else ""),
        "List what can be restored: reforge sources"
        if len(backups)
        else "Make one: pg_basebackup -D FOLDER/NAME",
    )


def wrong_version(backup: BaseBackup, found: str) -> Problem:
    """WAL can only be read and replayed by its own major version."""
    return Problem(
        "postgres-version-mismatch",
        f"The base backup {backup.name} is of PostgreSQL {backup.version_major}; the programs are of {found}",
        f"Install PostgreSQL {backup.version_major}'s server programs (reforge doctor shows what is there)",
    )


def _capital(target: Target) -> str:
    words = str(target)
    return words[0].upper() + words[1:]
