"""The small files of a base backup that catalogs are read from, whatever its form."""

from __future__ import annotations

import re
from collections.abc import Callable

from archive.backups import BaseBackup
from archive.compression import Garbled
from archive.formats.contents import Readable
from archive.verification import damaged
from finding.catalogs import Catalogs, Read

_CATALOG = re.compile(r"(global|base/\d+)/(1259|1260|1262|2611|2615|pg_filenode\.map|PG_VERSION)")
"""Where the catalogs of names lie if they were never rewritten; else they are looked for by name."""
_MOST = 64 * 1024 * 1024
"""Bytes of a file that is kept; no catalog of names is as large."""


def reader_of(backup: BaseBackup, unpacked: Callable[[BaseBackup], Read]) -> Read:
    """Reads the backup, for an incremental one the full one that it builds on: names are seldom younger.

    ``unpacked`` brings one whose files only a tool can read to where they can be read.
    """
    full = backup.chain[0]
    if full.contents.form == "plain":
        return remembered(full.contents.read)
    if full.contents.form.startswith("tar"):
        return _Streamed(full).read
    return _Lazy(lambda: unpacked(full)).read


def keep(catalogs: Catalogs, database: str) -> None:
    """Read everything that a search asks for, so that the files may go."""
    found = catalogs.database(database)
    if found is not None:
        catalogs.tables(found)
        catalogs.children(found, set())
        catalogs.default_tablespace(found)


def remembered(read: Read) -> Read:
    """The same, reading each file but once."""
    kept: dict[str, bytes] = {}

    def remembering(name: str) -> bytes:
        if name not in kept:
            kept[name] = read(name)
        return kept[name]

    return remembering


class _Lazy:
    """Reads by what is made on first use."""

    def __init__(self, make: Callable[[], Read]) -> None:
        self._make = make
        self._read: Read | None = None

    def read(self, name: str) -> bytes:
        if self._read is None:
            self._read = self._make()
        return self._read(name)


class _Streamed:
    """Reads a form that is gone through from its beginning to its end; seldom more than once."""

    def __init__(self, backup: BaseBackup) -> None:
        self._backup = backup
        self._kept: dict[str, bytes | None] = {}

    def read(self, name: str) -> bytes:
        if name not in self._kept:
            try:
                self._go_through(name)
            except Garbled as error:
                raise damaged(self._backup, [str(error)]) from error
        found = self._kept.setdefault(name, None)
        if found is None:
            raise FileNotFoundError(2, "The base backup has no such file", name)
        return found

    def _go_through(self, wanted: str) -> None:
        for part in self._backup.contents.parts():
            if not _worth(part.name, wanted):
                continue
            for file in part.files():
                if (file.name == wanted or _CATALOG.fullmatch(file.name)) and file.size <= _MOST:
                    self._kept[file.name] = _whole(file.stream, file.size)


def _whole(stream: Readable, size: int) -> bytes:
    chunks = []
    while size and (chunk := stream.read(size)):
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


def _worth(part: str, wanted: str) -> bool:
    """Whether a part may hold a catalog: a tar file of many, or the file itself."""
    return "/" not in part or part == wanted or bool(_CATALOG.fullmatch(part))
