"""The WAL to look through, newest part first: from each base backup to where the newer one's begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from archive.backups import Backups, BaseBackup
from archive.chain import Chain, chain_from
from archive.commits import first_after
from archive.proof import earliest_time
from archive.targets import utc
from archive.waldump import Reader
from finding.answer import Effort
from finding.catalogs import Catalogs, Read
from finding.reading import reader_of
from finding.scene import Scene
from finding.throwaway import unpacked
from problem import Problem
from toolchain.postgres import Binaries, find_binaries


@dataclass(frozen=True)
class Window:
    """Commits later than ``after`` and earlier than ``before``; None: as far as backups and WAL reach."""

    after: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True)
class Stretch:
    """WAL from a base backup on, up to position ``end`` at most; indices count the chain's segments."""

    backup: BaseBackup
    chain: Chain
    binaries: Binaries
    end: int
    read: Read
    """Gives the base backup's small files."""

    @property
    def reader(self) -> Reader:
        return Reader(self.chain, self.binaries)

    @property
    def last(self) -> int:
        """Index of the last segment to read."""
        return self.chain.index(self.end - 1)

    @property
    def size(self) -> int:
        """Bytes of WAL."""
        return (self.last + 1) * self.backup.segment_size

    @property
    def catalogs(self) -> Catalogs:
        """Names as the base backup has them."""
        return Catalogs(self.read, self.backup.version_major)


def stretches(scene: Scene, window: Window, effort: Effort) -> Iterator[Stretch]:
    """The parts of the window, newest first. Problem ``find-out-of-reach`` where nothing of it is there."""
    backups, archive = scene.backups, scene.archive
    newer: BaseBackup | None = None
    found = False
    for backup in reversed(backups.usable):
        chain = chain_from(backup, archive)
        if chain.end_lsn < backup.stop_lsn:
            continue
        binaries = find_binaries(backup.version_major)
        begin = earliest_time(backup, archive, binaries)
        if window.before is None or begin < window.before:
            found = True
            end = _end(chain, newer, window.before, binaries)
            yield Stretch(
                backup, chain, binaries, end, reader_of(backup, lambda one: unpacked(one, scene, effort))
            )
            newer = backup
            if window.after and begin <= window.after:
                return
    if not found:
        raise _out_of_reach(backups, window)
    if window.after:
        raise _out_of_reach(backups, window)


def _end(chain: Chain, newer: BaseBackup | None, before: datetime | None, binaries: Binaries) -> int:
    """Up to the commit that is too late, else to where a newer backup can begin, else to the chain's end."""
    if newer and any(
        span.timeline == newer.timeline and span.holds(newer.start_lsn) for span in chain.lineage
    ):
        return min(chain.end_lsn, newer.stop_lsn)
    late = first_after(chain, before, binaries, inclusive=False) if before else None
    return late.lsn if late else chain.end_lsn


def _out_of_reach(backups: Backups, window: Window) -> Problem:
    words = [f"after {utc(window.after)}"] if window.after else []
    words += [f"before {utc(window.before)}"] if window.before else []
    there = ", ".join(f"{one.name} of {utc(one.started_at)}" for one in backups) or "none"
    what = f"No base backup with its WAL reaches {' and '.join(words) or 'anything'} (backups: {there})."
    return Problem("find-out-of-reach", what, "List what can be reached: reforge sources")
