"""The rows of one table out of a dump, in pieces that several connections may take by turns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from dbrestore.logical.data import Data
from dbrestore.logical.entries import Entry
from dbrestore.logical.reading import Dump
from problem import Problem

END = b"\\.\n\n\n"
"""What pg_dump writes after the last row of a table (pg_dump.c, dumpTableData_copy)."""


class Rows:
    """Whole rows as COPY takes them; ``count`` is how many there were so far.

    Whoever takes a piece unpacks it, and no two do so at the same time: meanwhile others send theirs.
    """

    def __init__(self, data: Data, entry: Entry, stored: Callable[[int], None]) -> None:
        self.entry, self.count = entry, 0
        self._place = data.dump.path
        self._lock, self._pieces = threading.Lock(), self._cut(data.chunks(entry, stored))

    def take(self) -> bytes:
        """The next rows, nothing at the end. Problem ``dump-truncated`` where it has no proper end."""
        with self._lock:
            return next(self._pieces, b"")

    def _cut(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """A line's end within a value is escaped, in every encoding that a dump may have."""
        held: list[bytes] = []
        for chunk in chunks:
            if end := chunk.rfind(b"\n", 0, max(0, len(chunk) - len(END))) + 1:
                yield self._counted(b"".join([*held, memoryview(chunk)[:end]]))
                held = []
            held.append(chunk[end:])
        last = b"".join(held)
        rows = last.removesuffix(END)
        if rows == last or (rows and not rows.endswith(b"\n")):
            what = f"The dump {self._place} is not whole: {self.entry.label} breaks off."
            raise Problem("dump-truncated", what, "Fetch it again, or take another dump.")
        if rows:
            yield self._counted(rows)

    def _counted(self, rows: bytes) -> bytes:
        self.count += rows.count(b"\n")
        return rows


def rows_of(dump: Dump, entry: Entry) -> int:
    """Rows that a dump has of a table; those of an archive are read through."""
    if dump.format == "plain":
        return dump.rows.get(entry.label, 0)
    rows = Rows(Data(dump), entry, lambda _count: None)
    while rows.take():
        pass
    return rows.count
