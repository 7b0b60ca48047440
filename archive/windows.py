"""What can be restored, for people to choose from: each backup with the stretch of time that it reaches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archive.backups import Backups, BaseBackup
from archive.chain import Chain, chain_from, gaps
from archive.commits import last_commit
from archive.proof import earliest_time
from archive.segments import Archive
from problem import Problem
from toolchain.postgres import Binaries


@dataclass(frozen=True)
class Gap:
    """Consecutive segments that are missing or damaged in the same way; ``flaw`` are the words for it."""

    first: str
    last: str
    count: int
    flaw: str


@dataclass(frozen=True)
class Window:
    """What one backup can give: times and positions from ``start`` up to ``end``, both None if nothing.

    ``end`` is the last commit that can be reached; recovery to a time needs a target before it. ``problem``
    says why the backup cannot be used, or why the window could not be measured.
    """

    backup: BaseBackup
    finished_at: datetime | None
    start: datetime | None = None
    end: datetime | None = None
    start_lsn: int | None = None
    end_lsn: int | None = None
    timeline: int | None = None
    gaps: tuple[Gap, ...] = ()
    problem: str = ""


def windows(backups: Backups, archive: Path | Archive, binaries: Binaries) -> tuple[Window, ...]:
    """One window for each usable backup, oldest first. Problem only if the archive cannot be listed."""
    listing = archive if isinstance(archive, Archive) else Archive.scan(archive)
    return tuple(_window(backup, listing, binaries) for backup in backups)


def _window(backup: BaseBackup, archive: Archive, binaries: Binaries) -> Window:
    finished = backup.finished_at(archive.folder)
    try:
        return _measure(backup, archive, binaries, finished)
    except Problem as problem:
        return Window(backup, finished, problem=problem.what)


def _measure(backup: BaseBackup, archive: Archive, binaries: Binaries, finished: datetime | None) -> Window:
    chain = chain_from(backup, archive)
    holes = tuple(
        Gap(first.name, last.name, last.number - first.number + 1, flaw)
        for first, last, flaw in gaps(backup, archive)
    )
    if chain.end_lsn < backup.stop_lsn:
        words = f"the WAL that it needs is not there: {chain.following.name} {chain.flaw or 'is missing'}"
        return Window(backup, finished, timeline=chain.timeline, gaps=holes, problem=words)
    start = earliest_time(backup, archive, binaries)
    end, end_lsn = _end(backup, chain, binaries, start)
    return Window(backup, finished, start, end, backup.stop_lsn, end_lsn, chain.timeline, holes)


def _end(backup: BaseBackup, chain: Chain, binaries: Binaries, start: datetime) -> tuple[datetime, int]:
    """Time and position of the last commit, or the backup's own end if nothing was committed since."""
    last = last_commit(chain, binaries)
    if last is None or last.lsn < backup.stop_lsn:
        return start, backup.stop_lsn
    return last.time, last.lsn
