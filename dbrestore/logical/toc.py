"""The table of contents of a pg_dump archive (custom, directory, tar), read as pg_restore reads it.

Format versions 1.12 to 1.16, PostgreSQL 9.0 to 18 (src/bin/pg_dump/pg_backup_archiver.c, ReadHead and
ReadToc). Read here, because ``pg_restore -l`` tells neither definitions nor grants nor where data lies,
and nothing at all of an archive that is newer than itself.
"""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from dbrestore.logical.entries import ARCHIVE_MAJORS, Entry, Header
from problem import Problem

MAGIC = b"PGDMP"
FORMATS = {1: "custom", 3: "tar", 5: "directory"}
_ALGORITHMS = ("none", "gzip", "lz4", "zstd")
_SECTIONS = {1: "none", 2: "pre", 3: "data", 4: "post"}
_NO_DATA = 3
"""K_OFFSET_NO_DATA of pg_backup_archiver.h."""
_LONGEST = 1 << 30
"""No text is that long: a larger length is damage."""


class Reader:
    """The numbers and texts of an archive. Problem ``dump-truncated`` where they end too soon."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self.int_size = self.offset_size = 4
        self.codec = "utf-8"
        """Of texts: the dump's own encoding, once its entry for that is read; it is the first."""

    def take(self, count: int) -> bytes:
        found = self._file.read(count)
        if len(found) < count:
            what = f"{self._name} ends within its table of contents."
            raise Problem("dump-truncated", what, "Fetch it again, or take another dump.")
        return found

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        sign = self.byte()
        value = int.from_bytes(self.take(self.int_size), "little")
        return -value if sign else value

    def text(self) -> str | None:
        length = self.number()
        if length > _LONGEST:
            raise _damaged(self._name, f"a text of {length} bytes")
        return None if length < 0 else self.take(length).decode(self.codec, "replace")

    def offset(self) -> int | None:
        """Where an entry's data begins; None where it has none or it is not recorded."""
        state = self.byte()
        value = int.from_bytes(self.take(self.offset_size), "little")
        return None if state == _NO_DATA or not value else value


def read_toc(file: BinaryIO, name: str) -> tuple[str, Header, tuple[Entry, ...]]:
    """Format, header and entries. ``name`` is for messages.

    Problem ``dump-damaged``, ``dump-truncated`` or, for a format of the future, ``dump-too-new``.
    """
    reader = Reader(file, name)
    minor, kind = _preamble(reader, name)
    header = _header(reader, minor)
    entries = tuple(_entry(reader, minor, kind) for _ in range(_count(reader, name)))
    return FORMATS[kind], header, entries


def _preamble(reader: Reader, name: str) -> tuple[int, int]:
    if reader.take(5) != MAGIC:
        raise _damaged(name, "no archive of pg_dump")
    major, minor, _revision = reader.byte(), reader.byte(), reader.byte()
    if (major, minor) > (1, max(ARCHIVE_MAJORS)):
        known = max(ARCHIVE_MAJORS.values())
        what = f"{name} has the archive format {major}.{minor}, of a PostgreSQL after {known}."
        raise Problem("dump-too-new", what, "Have it written again by an older pg_dump, or as plain SQL.")
    if major != 1 or minor not in ARCHIVE_MAJORS:
        raise _damaged(name, f"the archive format {major}.{minor}")
    reader.int_size, reader.offset_size = reader.byte(), reader.byte()
    kind = reader.byte()
    if kind not in FORMATS:
        raise _damaged(name, f"the kind {kind}")
    return minor, kind


def _header(reader: Reader, minor: int) -> Header:
    if minor >= 15:
        compression = _ALGORITHMS[min(reader.byte(), 3)]
    else:
        compression = "gzip" if reader.number() else "none"
    for _part in range(7):  # when it was begun: seconds to daylight saving
        reader.number()
    database, server, tool = (reader.text() or "" for _ in range(3))
    return Header(
        database,
        _version(server),
        _version(tool),
        ARCHIVE_MAJORS[minor],
        compression,
        reader.int_size,
        reader.offset_size,
    )


def _count(reader: Reader, name: str) -> int:
    count = reader.number()
    if not 0 <= count < 1 << 26:
        raise _damaged(name, f"{count} entries")
    return count


def _entry(reader: Reader, minor: int, kind: int) -> Entry:
    number = reader.number()
    reader.number()  # whether data was dumped
    reader.text(), reader.text()  # table OID and OID
    name, what = reader.text() or "", reader.text() or ""
    section = _SECTIONS.get(reader.number(), "none")
    sql, _drop, copy, schema = (reader.text() or "" for _ in range(4))
    reader.text()  # tablespace
    if minor >= 14:
        reader.text()  # table access method
    if minor >= 16:
        reader.number()  # kind of the relation
    owner = reader.text() or ""
    reader.text()  # WITH OIDS
    needs = tuple(_needs(reader))
    place = reader.offset() if FORMATS[kind] == "custom" else reader.text()
    if what == "ENCODING":
        reader.codec = _codec(sql)
    return Entry(number, what, schema, name, owner, sql, section, copy.strip(), needs, place or None)


def _codec(statement: str) -> str:
    """Python's name of the encoding in "SET client_encoding = 'LATIN1';"."""
    found = re.search(r"'(\w+)'", statement)
    name = re.sub(r"^WIN(?=\d)", "cp", found[1]) if found else ""
    try:
        return codecs.lookup(re.sub(r"^KOI8(?=.$)", "koi8_", name)).name
    except LookupError:  # SQL_ASCII: any bytes
        return "utf-8"


def _needs(reader: Reader) -> list[int]:
    found = []
    while (text := reader.text()) is not None:
        found.append(int(text))
    return found


def _version(text: str) -> str:
    return text.split(" ")[0]


def _damaged(name: str, found: str) -> Problem:
    return Problem(
        "dump-damaged", f"{name} is damaged: it has {found}.", "Fetch it again, or take another dump."
    )
