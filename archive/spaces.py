"""Tablespaces that were made after a base backup: PostgreSQL makes them again, where the original has them.

Replay of CREATE TABLESPACE links to the very folder that the statement named and changes what lies there
(create_tablespace_directories in src/backend/commands/tablespace.c): on its machine, the original itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from archive.chain import Chain
from archive.segments import Segment
from archive.waldump import Reader, Record
from toolchain.postgres import Binaries

_CREATED = re.compile(r'CREATE (\d+) "(/.*)"', re.DOTALL)
_STEP = 8
"""Segments that are read before the caller hears of them."""


@dataclass(frozen=True)
class NewTablespace:
    """A CREATE TABLESPACE in the WAL: its OID, the folder that it named, where its record begins."""

    oid: int
    location: str
    lsn: int


def first_new_tablespace(chain: Chain, span: tuple[int, int], binaries: Binaries) -> NewTablespace | None:
    """The first whose record begins in [from, to) of the chain; reads the WAL up to it, about 1 GB/s."""
    return next((found for _, found in looked_through(chain, span, binaries) if found), None)


def looked_through(
    chain: Chain, span: tuple[int, int], binaries: Binaries
) -> Iterator[tuple[tuple[Segment, ...], NewTablespace | None]]:
    """The segments of [from, to) a few at a time, once they are read, with the first that they make."""
    reader, (begin, end) = Reader(chain, binaries), span
    if not chain.segments or end <= begin:
        return
    last = chain.index(end - 1)
    for first in range(chain.index(begin), last + 1, _STEP):
        stop = min(first + _STEP - 1, last)
        records = reader.records(first, stop, "--rmgr=Tablespace")
        made = (_made(record) for record in records if begin <= record.lsn < end)
        yield chain.segments[first : stop + 1], next(filter(None, made), None)


def _made(record: Record) -> NewTablespace | None:
    match = _CREATED.match(record.text)
    return NewTablespace(int(match[1]), match[2], record.lsn) if match else None
