"""Timelines and their history files (manual, "Timelines"): which segment file holds which stretch of WAL."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archive.lsn import parse_lsn
from archive.segments import Segment
from archive.wal import Archive
from problem import Problem

_SWITCH = re.compile(r"\s*(\d+)\s+([0-9A-Fa-f]+/[0-9A-Fa-f]+)")


@dataclass(frozen=True)
class Span:
    """The stretch of WAL [begin, end) that was written on one timeline; no end: to this day."""

    timeline: int
    begin: int
    end: int | None = None

    def holds(self, lsn: int) -> bool:
        """Whether the position was written on this timeline."""
        return self.begin <= lsn and (self.end is None or lsn < self.end)


Lineage = tuple[Span, ...]
"""A timeline with its ancestors, oldest first."""


def lineage(archive: Archive, timeline: int) -> Lineage:
    """The ancestry of a timeline as its history file tells it; timeline 1 has no file and no ancestor.

    Problem if another timeline's history file is missing or unreadable.
    """
    switches = _switches(archive, f"{timeline:08X}.history") if timeline > 1 else []
    spans, begin = [], 0
    for ancestor, end in switches:
        spans.append(Span(ancestor, begin, end))
        begin = end
    return (*spans, Span(timeline, begin))


def latest_lineage(archive: Archive, timeline: int, lsn: int) -> Lineage:
    """The newest timeline in the archive that descends from ``timeline`` as it was at ``lsn``.

    PostgreSQL's recovery_target_timeline=latest takes the newest history file and gives up if that one
    branched off before the backup; here such strangers are passed over, so the restore has to name the
    timeline that this function chose.
    """
    for candidate in sorted(archive.histories, reverse=True):
        if candidate > timeline:
            spans = lineage(archive, candidate)
            if any(span.timeline == timeline and span.holds(lsn) for span in spans):
                return spans
    if timeline == 1 or timeline in archive.histories:
        return lineage(archive, timeline)
    # The parents' WAL lies before the backup and is not needed: do without the history.
    return (Span(timeline, 0),)


def segment_at(spans: Lineage, number: int, size: int) -> Segment:
    """The file that holds a segment number: in the segment of a switch it is the child's.

    The child's file starts with a copy of the parent's up to the switch, as PostgreSQL makes it on promotion.
    """
    newest = next((span for span in reversed(spans) if span.begin // size <= number), spans[0])
    return Segment(newest.timeline, number, size)


def _switches(archive: Archive, name: str) -> list[tuple[int, int]]:
    """The lines of a history file: (timeline, LSN at which the next one began)."""
    lines = _text(archive, name).splitlines()
    found = [
        (match, line)
        for line in lines
        if line.strip() and not line.lstrip().startswith("#")
        for match in [_SWITCH.match(line)]
    ]
    for match, line in found:
        if match is None:
            raise Problem(
                "timeline-history-unreadable",
                f"The timeline history {archive.place}/{name} has a line that is none: {line!r}",
                "Compare the file with its copy in the pg_wal of a server that follows the timeline",
            )
    return [(int(match[1]), parse_lsn(match[2])) for match, _ in found if match]


def _text(archive: Archive, name: str) -> str:
    try:
        text, why = archive.text(name), "it is not there"
    except (Problem, OSError) as error:
        text, why = None, str(error)
    if text is None:
        raise Problem(
            "timeline-history-unreadable",
            f"The timeline history {archive.place}/{name} cannot be read: {why}",
            "Put the file back into the archive: every server that follows the timeline has it in its pg_wal",
        )
    return text
