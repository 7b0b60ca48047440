"""Reads records out of a chain's segments with pg_waldump (manual, "pg_waldump")."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from archive.chain import Chain
from archive.lsn import format_lsn, parse_lsn
from archive.scratch import scratch
from archive.segments import Segment, has_page_after
from problem import Problem
from toolchain.postgres import Binaries

_RUN_ON = 1024 * 1024
"""How far, in bytes, into the next segment a record that begins in the last one is followed."""
_STRETCH = 8
"""Segments that are fetched at once to be read."""
_AT_ONCE = 4
_RECORD = re.compile(
    r"rmgr: (\S+) +len [^:]+: +\d+/ +(\d+), tx: +(\d+), "
    r"lsn: (\w+)/(\w+), prev \w+/\w+, desc: (.*)"
)

_PAGE = re.compile(r"segment ([0-9A-F]{24}),.* offset (\d+)")
_NONE_AFTER = "could not find a valid record after"
_END = re.compile(f"got 0$|invalid magic number 0000 |unexpected pageaddr |{_NONE_AFTER}")
"""How pg_waldump says that a place was not written, or not since the file was another segment."""


@dataclass(frozen=True)
class Record:
    """One WAL record of ``length`` bytes; ``lsn`` is where it begins, ``text`` what pg_waldump says of it."""

    manager: str
    xid: int
    lsn: int
    text: str
    length: int = 0


def parse_record(line: str) -> Record | None:
    """One line of pg_waldump's output; None for its remarks."""
    match = _RECORD.match(line)
    if match is None:
        return None
    lsn = int(match[4], 16) << 32 | int(match[5], 16)
    return Record(match[1], int(match[3]), lsn, match[6].rstrip(), int(match[2]))


class Reader:
    """Records of one chain. Damage inside it is a Problem ``wal-damaged``.

    In its last segment WAL may just end: people save a crashed source's unfinished segment into the archive.
    It has ended where nothing was written, there or on a later page.
    """

    def __init__(self, chain: Chain, binaries: Binaries) -> None:
        self.chain, self.binaries, self._count = chain, binaries, len(chain.segments)

    def lines(self, first: int, last: int, *options: str) -> Iterator[str]:
        """The output lines for the segments with these indices; records that begin in the last are whole.

        The caller may stop early: a segment that cannot be fetched is an error only once it is come to.
        Options are pg_waldump's, such as ``--rmgr=Transaction``.
        """
        if not self.chain.segments:
            return
        files, problem = self._fetched(first, last + 1)
        if files:
            yield from self._read((first, last), files, options)
        if problem and len(files) <= last - first:
            raise problem

    def _fetched(self, first: int, last: int) -> tuple[list[Path], Problem | None]:
        """The files of these segments up to the first that cannot be had, and why not; several at a time."""
        indices = range(first, min(last + 1, self._count))
        files: list[Path] = []
        with ThreadPoolExecutor(1 if self.chain.archive.direct else _AT_ONCE) as pool:
            for file in [pool.submit(self.chain.file, index) for index in indices]:
                try:
                    files.append(file.result())
                except Problem as problem:
                    return files, problem
        return files, None

    def _read(self, span: tuple[int, int], files: list[Path], options: tuple[str, ...]) -> Iterator[str]:
        segments = self.chain.segments[span[0] : span[0] + len(files)]
        end = min(segments[-1].end_lsn, self.chain.segments[span[1]].end_lsn + _RUN_ON)
        with _linked(segments, files) as folder, tempfile.TemporaryFile("w+") as errors:
            place = ["-p", folder, "-t", "1", "-s", format_lsn(segments[0].start_lsn), "-e", format_lsn(end)]
            command = [str(self.binaries.tool("pg_waldump")), *place, *options]
            # Times are printed in the zone and the words of the environment.
            environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
            ) as process:
                try:
                    for line in process.stdout or ():  # noqa: UP028 (yield from would close the pipe first)
                        yield line
                except GeneratorExit:
                    process.kill()
                    raise
            if process.returncode:
                errors.seek(0)
                self._explain(span, errors.read().strip())

    def records(self, first: int, last: int, *options: str) -> Iterator[Record]:
        """The same as records that begin in these segments, in WAL order."""
        for begin, stop in self.stretches(first, last):
            end = self.chain.segments[stop].end_lsn
            for line in self.lines(begin, stop, *options):
                record = parse_record(line)
                if record and record.lsn < end:
                    yield record

    def stretches(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Indices of segments to read at once: all of them, or a few where they have to be fetched first."""
        step = last - first + 1 if self.chain.archive.direct else _STRETCH
        if self.chain.segments:
            yield from ((begin, min(begin + step - 1, last)) for begin in range(first, last + 1, step))

    def _explain(self, span: tuple[int, int], message: str) -> None:
        """A failed pg_waldump that read these segments and into the next: WAL's normal end, or a Problem."""
        if "WAL record" not in message and "valid record" not in message:
            raise Problem(
                "wal-unreadable",
                f"pg_waldump {self.binaries.version} cannot read {self._names(span)}: {message}",
                "Check that the archive is readable and its PostgreSQL's major version is the same",
            )
        last = min(span[1] + 1, self._count - 1)
        place = _place(message, self.chain)
        index = self.chain.index(place)
        none = _NONE_AFTER in message  # at its place a record may run on, of which nothing begins here
        unfinished = last == self._count - 1 and (index == last or none)
        if (
            not unfinished
            or not _END.search(message)
            or (index == last and not none and self._goes_on(place))
        ):
            raise damage(self.chain, message)

    def _names(self, span: tuple[int, int]) -> str:
        first, last = (self.chain.segments[index].name for index in span)
        return first if first == last else f"{first} to {last}"

    def _goes_on(self, place: int) -> bool:
        """Whether the chain's last segment has WAL of its own on pages after a position."""
        segment = self.chain.segments[-1]
        with self.chain.file(self._count - 1).open("rb") as file:
            return has_page_after(file, segment, place)


def damage(chain: Chain, message: str) -> Problem:
    """The error of WAL that breaks off inside the chain; names the segment where it does."""
    segment = chain.segments[chain.index(_place(message, chain))]
    return Problem(
        "wal-damaged",
        f"WAL segment {segment.name} ({chain.where(segment)}) is damaged inside: "
        f"{message.removeprefix('pg_waldump: ').removeprefix('error: ')}",
        "Bring back a whole copy of the segment, or restore to a point before it",
    )


def _place(message: str, chain: Chain) -> int:
    """Where the reading stopped: a page of a segment, or a record, told after the one before it."""
    if page := _PAGE.search(message):
        return Segment.parse(page[1], chain.following.size).start_lsn + int(page[2])
    places = re.findall(r"\b[0-9A-F]+/[0-9A-F]+\b", message)
    return parse_lsn(places[-1]) if places else chain.end_lsn


@contextmanager
def _linked(segments: tuple[Segment, ...], files: list[Path]) -> Iterator[str]:
    """A scratch folder with links to the files of segments, all under the name of timeline 1.

    pg_waldump follows no history and takes the segment size from any file it meets, so it is shown only the
    files that count, which may lie in two folders and on several timelines.
    """
    with scratch("reforge-wal-") as folder:
        for segment, file in zip(segments, files, strict=True):
            name = Segment(1, segment.number, segment.size).name
            (folder / name).symlink_to(file.resolve())
        yield str(folder)


def verify_wal(chain: Chain, needed: tuple[Segment, ...], binaries: Binaries) -> None:
    """Read every needed record with its checksum, about 1 GB/s; Problem ``wal-damaged`` names the segment.

    Recovery does not report such damage: it takes it for the end of WAL.
    """
    if needed:
        reader = Reader(chain, binaries)
        for first, last in reader.stretches(0, len(needed) - 1):
            for _ in reader.lines(first, last, "--quiet"):
                pass
