"""The data of a table out of an archive, in clear, as its COPY takes it.

Layout of the data: src/bin/pg_dump/pg_backup_custom.c, pg_backup_directory.c and pg_backup_tar.c.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from dbrestore.logical.entries import Entry
from dbrestore.logical.reading import BLOCK, Dump, Unpacker, member, readable
from problem import Problem

_SUFFIXES = {"": "none", ".gz": "gzip", ".lz4": "lz4", ".zst": "zstd"}
_DATA_BLOCK, _BLOBS_BLOCK = 1, 3


@dataclass(frozen=True)
class Data:
    """Reads the data of a dump's entries; any number of threads may."""

    dump: Dump

    def size(self, entry: Entry) -> int:
        """Bytes that the entry's data takes in the dump."""
        return self._sizes.get(entry.number, 0)

    def check(self) -> None:
        """Whether the data is all there. Problem ``dump-truncated`` or ``dump-damaged``, naming where.

        What lies within a compressed stream is seen only while it is loaded.
        """
        with readable(self.dump.path):
            if self.dump.format == "custom":
                self._walk_to_end()
            missing = [one.label for one in self._with_data if one.number not in self._sizes]
        if missing:
            raise _truncated(self.dump.path, f"it lacks {', '.join(missing[:5])}")

    def chunks(self, entry: Entry, stored: Callable[[int], None] = lambda _count: None) -> Iterator[bytes]:
        """The clear data; ``stored`` hears how many bytes of the dump were read.

        Problem ``dump-truncated`` or ``dump-damaged`` where the stream breaks off.
        """
        with readable(self.dump.path), self._opened(entry) as (blocks, unpacker):
            for block in blocks:
                stored(len(block))
                try:
                    yield from unpacker.pieces(block)
                except ValueError as error:
                    raise _damaged(self.dump.path, entry, str(error)) from error
            if not unpacker.finished:
                raise _truncated(self.dump.path, f"{entry.label} breaks off")

    @contextmanager
    def _opened(self, entry: Entry) -> Iterator[tuple[Iterator[bytes], Unpacker]]:
        compression, path = self.dump.header.compression, self.dump.path
        if self.dump.format == "custom":
            with path.open("rb") as file:
                file.seek(self._offsets[entry.number])
                yield self._chunked(file, entry), Unpacker(compression, 15)
        elif self.dump.format == "tar":
            with tarfile.open(path) as tar, member(tar, str(entry.place), path) as file:
                yield _blocks(file), Unpacker("none")
        else:
            found = self._file(entry)
            if found is None:
                raise _truncated(path, f"it lacks {entry.place} of {entry.label}")
            with found.open("rb") as file:
                yield _blocks(file), Unpacker(_SUFFIXES[found.suffix if found.suffix != ".dat" else ""])

    @cached_property
    def _with_data(self) -> list[Entry]:
        return [one for one in self.dump.entries if one.kind == "TABLE DATA" and one.place]

    @cached_property
    def _sizes(self) -> dict[int, int]:
        match self.dump.format:
            case "custom":
                return extents(self._offsets, self.dump.path.stat().st_size)
            case "tar":
                with tarfile.open(self.dump.path) as tar:
                    lengths = {one.name: one.size for one in tar}
                return {
                    one.number: lengths[str(one.place)] for one in self._with_data if one.place in lengths
                }
        files = {one.number: self._file(one) for one in self._with_data}
        return {number: found.stat().st_size for number, found in files.items() if found}

    def _file(self, entry: Entry) -> Path | None:
        return next((path for name in files_of(entry) if (path := self.dump.path / name).exists()), None)

    # The custom format: blocks of one entry each, in chunks that bear their lengths.

    @cached_property
    def _offsets(self) -> dict[int, int]:
        found = {one.number: one.place for one in self.dump.entries if isinstance(one.place, int)}
        if found or not self._has_data:
            return found
        with self.dump.path.open("rb") as file:  # pg_dump could not seek back to write the offsets
            return dict(self._walk(file, self.dump.begin))

    @property
    def _has_data(self) -> bool:
        return any(one.kind == "BLOBS" or one.copy for one in self.dump.entries)

    def _walk_to_end(self) -> None:
        """From the last block on, every chunk must be there."""
        if not self._offsets:
            return
        with self.dump.path.open("rb") as file:
            for _ in self._walk(file, max(self._offsets.values())):
                pass

    def _walk(self, file: BinaryIO, begin: int) -> Iterator[tuple[int, int]]:
        """Dump ID and offset of each block from ``begin`` to the file's end."""
        end = self.dump.path.stat().st_size
        if begin >= end and self._has_data:
            raise _truncated(self.dump.path, f"it ends at byte {end}, before its last data")
        file.seek(begin)
        while (start := file.tell()) < end:
            kind, number = self._block(file)
            yield number, start
            while kind == _BLOBS_BLOCK and self._number(file):
                self._skip_chunks(file, end)
            if kind == _DATA_BLOCK:
                self._skip_chunks(file, end)

    def _skip_chunks(self, file: BinaryIO, end: int) -> None:
        while length := self._number(file):
            file.seek(length, 1)
            if length < 0 or file.tell() > end:
                raise _truncated(self.dump.path, "its last chunk breaks off")

    def _chunked(self, file: BinaryIO, entry: Entry) -> Iterator[bytes]:
        if self._block(file) != (_DATA_BLOCK, entry.number):
            raise _damaged(self.dump.path, entry, "another block lies in its place")
        gathered, size = [], 0
        while length := self._number(file):
            gathered.append(file.read(length))
            size += length
            if len(gathered[-1]) < length:
                raise _truncated(self.dump.path, f"{entry.label} breaks off")
            if size >= BLOCK:
                yield b"".join(gathered)
                gathered, size = [], 0
        yield b"".join(gathered)

    def _block(self, file: BinaryIO) -> tuple[int, int]:
        kind = file.read(1)
        if not kind or kind[0] not in (_DATA_BLOCK, _BLOBS_BLOCK):
            what = f"{self.dump.path} is damaged at byte {file.tell()}."
            raise Problem("dump-damaged", what, _AGAIN)
        return kind[0], self._number(file)

    def _number(self, file: BinaryIO) -> int:
        raw = file.read(1 + self.dump.header.int_size)
        if len(raw) <= self.dump.header.int_size:
            raise _truncated(self.dump.path, "it ends within its data")
        value = int.from_bytes(raw[1:], "little")
        return -value if raw[0] else value


def extents(offsets: Mapping[int, int], end: int) -> dict[int, int]:
    """Bytes from each block of a custom archive to the next, or to the archive's ``end``."""
    starts = sorted(offsets.values())
    ends = dict(zip(starts, [*starts[1:], end], strict=False))  # without a block there is no end either
    return {number: ends[start] - start for number, start in offsets.items()}


def files_of(entry: Entry) -> list[str]:
    """The names that the data of a directory's entry may have, by its compression."""
    return [f"{entry.place}{suffix}" for suffix in _SUFFIXES]


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block


def _truncated(path: Path, how: str) -> Problem:
    return Problem("dump-truncated", f"The dump {path} is not whole: {how}.", _AGAIN)


def _damaged(path: Path, entry: Entry, how: str) -> Problem:
    return Problem("dump-damaged", f"The dump {path} is damaged in {entry.label}: {how}.", _AGAIN)


_AGAIN = "Fetch it again, or take another dump."
