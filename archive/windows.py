"""What can be restored, for people to choose from: each backup with the stretch of time that it reaches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archive.backups import Backups, BaseBackup
from archive.chain import Chain, chain_from, gaps
from archive.commits import Commit, last_commit
from archive.proof import earliest_time
from archive.segments import Segment
from archive.wal import Archive
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
    survey = _Survey(listing, binaries, {})
    return tuple(survey.window(backup) for backup in backups)


@dataclass(frozen=True)
class _Survey:
    """Measures backups oldest first; ``ends`` keeps the last commit by the segment that a chain ends with."""

    archive: Archive
    binaries: Binaries
    ends: dict[Segment, Commit | None]

    def window(self, backup: BaseBackup) -> Window:
        finished = backup.finished_at(self.archive)
        try:
            return self._measure(backup, finished)
        except Problem as problem:
            return Window(backup, finished, problem=problem.what)

    def _measure(self, backup: BaseBackup, finished: datetime | None) -> Window:
        chain = chain_from(backup, self.archive)
        holes = tuple(
            Gap(first.name, last.name, last.number - first.number + 1, flaw)
            for first, last, flaw in gaps(chain, backup, self.archive)
        )
        if chain.end_lsn < backup.stop_lsn:
            words = f"the WAL that it needs is not there: {chain.following.name} {chain.flaw or 'is missing'}"
            return Window(backup, finished, timeline=chain.timeline, gaps=holes, problem=words)
        start = earliest_time(backup, self.archive, self.binaries)
        end, end_lsn = self._end(backup, chain, start)
        return Window(backup, finished, start, end, backup.stop_lsn, end_lsn, chain.timeline, holes)

    def _end(self, backup: BaseBackup, chain: Chain, start: datetime) -> tuple[datetime, int]:
        """Time and position of the last commit, or the backup's own end if nothing was committed since."""
        if chain.segments[-1] not in self.ends:
            self.ends[chain.segments[-1]] = last_commit(chain, self.binaries)
        last = self.ends[chain.segments[-1]]
        if last is None or last.lsn < backup.stop_lsn:
            return start, backup.stop_lsn
        return last.time, last.lsn
