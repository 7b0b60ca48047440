"""WAL segment files: their names, their first page, and the listing of an archive of plain files."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from problem import Problem

DEFAULT_SIZE = 16 * 1024 * 1024
_NAME = re.compile(r"[0-9A-F]{24}")
_HISTORY = re.compile(r"([0-9A-F]{8})\.history")
_LONG_PAGE_HEADER = struct.Struct("=HHIQI4xQII")
"""XLogLongPageHeaderData (src/include/access/xlog_internal.h): the same since PostgreSQL 9.3."""


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


@dataclass(frozen=True)
class Archive:
    """What a WAL archive held when it was listed: plain segment files and timeline histories."""

    folder: Path
    sizes: Mapping[str, int]
    """Bytes of every file that has the name of a WAL segment."""
    histories: frozenset[int]
    """Timelines that have a history file."""
    data_directory: Path | None = None
    """The source's data directory, if readable here: tells whether a missing segment still lies there."""
    verdicts: dict[tuple[Path, int], str | None] = field(default_factory=dict, repr=False, compare=False)
    """What was found of segments' first pages, so that many backups' chains read each but once."""

    def flaw(self, path: Path, segment: Segment, system_identifier: int) -> str | None:
        """``page_flaw``, remembered."""
        key = path, system_identifier
        if key not in self.verdicts:
            self.verdicts[key] = page_flaw(path, segment, system_identifier)
        return self.verdicts[key]

    @classmethod
    def scan(cls, folder: Path, data_directory: Path | None = None) -> Archive:
        """List an archive once; Problem if it cannot be read."""
        sizes, histories = {}, set()
        for name, size in _files(folder):
            if _NAME.fullmatch(name):
                sizes[name] = size
            elif match := _HISTORY.fullmatch(name):
                histories.add(int(match[1], 16))
        return cls(folder, sizes, frozenset(histories), data_directory)

    def segments(self, size: int) -> Iterator[Segment]:
        """Every archived segment, whole or not, in no order."""
        for name in self.sizes:
            try:
                yield Segment.parse(name, size)
            except ValueError:
                continue


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """Names and sizes of the WAL and history files in a folder."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _NAME.fullmatch(entry.name) or _HISTORY.fullmatch(entry.name):
                    yield entry.name, entry.stat().st_size
    except OSError as error:
        raise Problem(
            "archive-unreadable",
            f"The WAL archive {folder} cannot be read: {error.strerror}",
            f"Check the path and its permissions: ls -ld {folder}",
        ) from error


def page_flaw(path: Path, segment: Segment, system_identifier: int) -> str | None:
    """What is wrong with a segment's first page, in words that follow its name; None if nothing is.

    Cheap (40 bytes): finds a file of another cluster, one under a wrong name, and one without any WAL.
    """
    try:
        with path.open("rb") as file:
            _magic, _info, timeline, address, _rest, system, size, _block = _LONG_PAGE_HEADER.unpack(
                file.read(_LONG_PAGE_HEADER.size)
            )
    except (OSError, struct.error) as error:
        return f"cannot be read ({error})"
    if system != system_identifier:
        return f"belongs to another cluster (system identifier {system}, the backup's is {system_identifier})"
    if (address, size) != (segment.start_lsn, segment.size) or timeline > segment.timeline:
        return "does not hold the WAL that its name says"
    return None
