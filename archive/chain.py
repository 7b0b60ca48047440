"""The chain of WAL segments from a base backup through its lineage, to its first gap or its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from archive.backups import BaseBackup
from archive.compression import Garbled
from archive.formats.contents import WAL, Contents
from archive.segments import Segment, cut_short, page_flaw
from archive.timelines import Lineage, latest_lineage, segment_at
from archive.wal import Archive

_MISSING = "is missing"


@dataclass(frozen=True)
class Chain:
    """Consecutive segments that are there and look whole, in the archive or the backup's pg_wal ``inside``.

    ``gap`` is the first segment after them that is missing or damaged, with ``flaw`` as the words for it;
    None where the archive simply ends. ``beyond_gap`` are the segments that the archive has after the gap.
    """

    lineage: Lineage
    segments: tuple[Segment, ...]
    archive: Archive
    inside: Contents
    following: Segment
    """The segment after the last one: the gap, or the one that is to be archived next."""
    gap: Segment | None = None
    flaw: str = ""
    beyond_gap: tuple[Segment, ...] = ()

    @property
    def timeline(self) -> int:
        """The timeline that the chain ends on: what recovery_target_timeline has to say."""
        return self.lineage[-1].timeline

    @property
    def end_lsn(self) -> int:
        """The first position that no segment of the chain holds."""
        return self.following.start_lsn

    def file(self, index: int) -> Path:
        """A plain file of a segment on this machine, fetched where it lies elsewhere or is compressed."""
        segment = self.segments[index]
        archived = segment in self.archive
        return self.archive.local(segment) if archived else self.inside.wal_file(segment.name)

    def where(self, segment: Segment) -> str:
        """What holds a segment, for people."""
        return (
            self.archive.where(segment)
            if segment in self.archive
            else f"{self.inside.tree}/{WAL}/{segment.name}"
        )

    def index(self, lsn: int) -> int:
        """Which of the segments holds a position; positions outside give the nearest one's index."""
        number = lsn // self.following.size
        return max(0, min(number - (self.following.number - len(self.segments)), len(self.segments) - 1))

    def up_to(self, lsn: int) -> tuple[Segment, ...]:
        """The segments from the first one to the one that holds ``lsn``."""
        return self.segments[: self.index(lsn) + 1]


def chain_from(backup: BaseBackup, archive: Archive) -> Chain:
    """Follow the WAL from a backup's start along the newest timeline that descends from it.

    Segments that only the backup's own pg_wal has (pg_basebackup -X stream or fetch) count as present:
    PostgreSQL looks there when restore_command finds nothing. A file of the wrong size in the archive counts
    as damaged even so, because recovery ends with "archive file has wrong size".
    """
    spans = latest_lineage(archive, backup.timeline, backup.start_lsn)
    return _Walk(backup, archive, spans).forward()


def run_up(backup: BaseBackup, archive: Archive, limit: int = 16) -> Chain:
    """The WAL that leads to the backup's end: its own segments, and up to ``limit`` before them if archived.

    It holds the last commit that the backup contains, unless nothing was committed for a long time.
    """
    spans = latest_lineage(archive, backup.timeline, backup.start_lsn)
    walk = _Walk(backup, archive, spans)
    first, last = backup.start_lsn // backup.segment_size, (backup.stop_lsn - 1) // backup.segment_size
    while limit > 0 and first > 0 and walk.flaw(walk.expected(first - 1), look=False) is None:
        first, limit = first - 1, limit - 1
    return walk.between(first, last)


class _Walk:
    """Looks at one segment number after the other on a lineage."""

    def __init__(self, backup: BaseBackup, archive: Archive, spans: Lineage) -> None:
        self.backup, self.archive, self.spans = backup, archive, spans
        self.inside = backup.contents

    def forward(self) -> Chain:
        """From the backup's first segment to the highest that the archive or the backup has."""
        size, start = self.backup.segment_size, self.backup.start_lsn // self.backup.segment_size
        archived = [segment.number for segment in self.archive.segments(size) if self._ours(segment)]
        covered = {*archived, *range(start, self.backup.stop_lsn // size + 1)}
        own = [number for number in covered.difference(archived) if self._inside(number)]
        return self.between(start, max((*archived, *own), default=start - 1))

    def between(self, first: int, last: int) -> Chain:
        """The chain of the numbers ``first`` to ``last``, ended by the first flaw."""
        segments = [self.expected(number) for number in range(first, last + 1)]
        edges = {0, len(segments) - 1}
        found = ((index, self.flaw(segment, index in edges)) for index, segment in enumerate(segments))
        flaws = ((index, flaw) for index, flaw in found if flaw)
        stop, words = next(flaws, (len(segments), ""))
        return Chain(
            lineage=self.spans,
            segments=tuple(segments[:stop]),
            archive=self.archive,
            inside=self.inside,
            following=self.expected(first + stop),
            gap=segments[stop] if words else None,
            flaw=words,
            beyond_gap=tuple(segment for segment in segments[stop + 1 :] if segment in self.archive),
        )

    def expected(self, number: int) -> Segment:
        return segment_at(self.spans, number, self.backup.segment_size)

    def flaw(self, segment: Segment, look: bool = True) -> str | None:
        """Why a segment cannot be used, in words that follow its name; None if it looks whole."""
        if segment in self.archive:
            return self.archive.flaw(segment, self.backup.system_identifier, look)
        size = self.sizes.get(segment.name)
        if size is None:
            return _MISSING
        if size != segment.size:
            return cut_short(size, segment.size)
        with self.inside.wal_file(segment.name).open("rb") as file:
            return page_flaw(file, segment, self.backup.system_identifier)

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """The backup's own segments, looked for only where the archive lacks one."""
        try:
            return self.inside.wal()
        except (Garbled, OSError):
            return {}  # told as missing; reading the backup itself says what is wrong with it

    def _inside(self, number: int) -> bool:
        return self.expected(number).name in self.sizes

    def _ours(self, segment: Segment) -> bool:
        return self.expected(segment.number) == segment


def gaps(chain: Chain, backup: BaseBackup, archive: Archive) -> tuple[tuple[Segment, Segment, str], ...]:
    """Every gap from the chain's end to the end of the archive: first and last segment, and the flaw."""
    found: list[tuple[Segment, Segment, str]] = []
    if chain.gap is None:
        return ()
    walk = _Walk(backup, archive, chain.lineage)
    last = max((segment.number for segment in chain.beyond_gap), default=chain.gap.number)
    for number in range(chain.gap.number, last + 1):
        segment = walk.expected(number)
        flaw = walk.flaw(segment, look=False)
        if flaw and found and found[-1][1].number == number - 1 and found[-1][2] == flaw:
            found[-1] = (found[-1][0], segment, flaw)
        elif flaw:
            found.append((segment, segment, flaw))
    return tuple(found)
