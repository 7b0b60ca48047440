"""Tablespaces that were made after a base backup: PostgreSQL makes them again, where the original has them.

Replay of CREATE TABLESPACE links to the very folder that the statement named and changes what lies there
(create_tablespace_directories in src/backend/commands/tablespace.c): on its machine, the original itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from archive.chain import Chain
from archive.waldump import Reader
from toolchain.postgres import Binaries

_CREATED = re.compile(r'CREATE (\d+) "(/.*)"', re.DOTALL)
_STEP = 8
"""Segments that are read before the caller is asked whether to go on."""


@dataclass(frozen=True)
class NewTablespace:
    """A CREATE TABLESPACE in the WAL: its OID, the folder that it named, where its record begins."""

    oid: int
    location: str
    lsn: int


def new_tablespaces(
    chain: Chain, span: tuple[int, int], binaries: Binaries, given_up: Callable[[], bool] = lambda: False
) -> Iterator[NewTablespace]:
    """Those whose record begins in [from, to) of the chain; reads all of that WAL, about 1 GB/s."""
    reader, (begin, end) = Reader(chain, binaries), span
    if not chain.segments or end <= begin:
        return
    last = chain.index(end - 1)
    for first in range(chain.index(begin), last + 1, _STEP):
        if given_up():
            return
        for record in reader.records(first, min(first + _STEP - 1, last), "--rmgr=Tablespace"):
            match = _CREATED.match(record.text)
            if match and begin <= record.lsn < end:
                yield NewTablespace(int(match[1]), match[2], record.lsn)
