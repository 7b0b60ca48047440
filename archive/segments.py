"""WAL segment files: their names and their first page."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

DEFAULT_SIZE = 16 * 1024 * 1024
_NAME = re.compile(r"[0-9A-F]{24}")
_LONG_PAGE_HEADER = struct.Struct("=HHIQI4xQII")
"""XLogLongPageHeaderData (src/include/access/xlog_internal.h): the same since PostgreSQL 9.3."""
_PAGE_SIZES = {1 << power for power in range(10, 17)}
"""Bytes; configure's --with-wal-blocksize."""
_PAGE_HEADER = struct.Struct("=HHIQ")


@dataclass(frozen=True, order=True)
class Segment:
    """One WAL segment: ``number`` counts segments of ``size`` bytes from LSN 0/0."""

    timeline: int
    number: int
    size: int = DEFAULT_SIZE

    @property
    def name(self) -> str:
        """The 24 hexadecimal digits that PostgreSQL names the file by."""
        per_log = 0x100000000 // self.size
        return f"{self.timeline:08X}{self.number // per_log:08X}{self.number % per_log:08X}"

    @property
    def start_lsn(self) -> int:
        """Position of its first byte."""
        return self.number * self.size

    @property
    def end_lsn(self) -> int:
        """Position of the first byte after it."""
        return self.start_lsn + self.size

    @classmethod
    def parse(cls, name: str, size: int = DEFAULT_SIZE) -> Segment:
        """The segment of a file name; ValueError if it is none for this segment size."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name} is not the name of a WAL segment")
        per_log, low = 0x100000000 // size, int(name[16:], 16)
        if low >= per_log:
            raise ValueError(f"{name} cannot be a WAL segment of {size} bytes")
        return cls(int(name[:8], 16), int(name[8:16], 16) * per_log + low, size)


def cut_short(found: int, size: int) -> str:
    """The words for a segment of a wrong size, in bytes, that follow its name."""
    return f"is cut short or damaged: {found:,} bytes instead of {size:,}"


@dataclass(frozen=True)
class PageFacts:
    """What a segment's first page says; ``magic`` differs with each major version."""

    magic: int
    timeline: int
    address: int
    system_identifier: int
    segment_size: int
    page_size: int


def page_facts(file: BinaryIO) -> PageFacts:
    """Read a segment's first page; struct.error where there is none."""
    magic, _info, timeline, address, _rest, system, size, page = _LONG_PAGE_HEADER.unpack(
        file.read(_LONG_PAGE_HEADER.size)
    )
    return PageFacts(magic, timeline, address, system, size, page)


def has_page_after(file: BinaryIO, segment: Segment, lsn: int) -> bool:
    """Whether a segment's file has a page of that segment after the one that holds ``lsn``.

    The rest of an unfinished one is zeros, or pages of the segment that the file held before.
    """
    size = page_facts(file).page_size
    first = (lsn // size + 1) * size
    for address in range(max(first, segment.start_lsn), segment.end_lsn, size):
        file.seek(address - segment.start_lsn)
        if _PAGE_HEADER.unpack(file.read(_PAGE_HEADER.size))[3] == address:
            return True
    return False


def page_flaw(file: BinaryIO, segment: Segment, system_identifier: int | None) -> str | None:
    """What is wrong with a segment's first page, in words that follow its name; None if nothing is.

    Cheap (40 bytes): finds a file of another cluster, one under a wrong name, and one without any WAL.
    """
    try:
        found = page_facts(file)
    except (OSError, struct.error) as error:
        return f"cannot be read ({error})"
    if system_identifier not in (None, found.system_identifier):
        return (
            f"belongs to another cluster (system identifier {found.system_identifier}, "
            f"the backup's is {system_identifier})"
        )
    there = (found.address, found.segment_size)
    pages = found.page_size in _PAGE_SIZES
    if there != (segment.start_lsn, segment.size) or found.timeline > segment.timeline or not pages:
        return "does not hold the WAL that its name says"
    return None
