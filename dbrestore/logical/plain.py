"""A plain dump read to its end: what is in it, and whether it is whole."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from dbrestore.handler import Context
from dbrestore.logical.entries import Entry, Header
from dbrestore.logical.programs import interrupted
from dbrestore.logical.reading import Dump, clear_stream
from dbrestore.logical.script import HEAD, Part, Title, parts
from dbrestore.progress import Meter
from problem import Problem

READING = "reading plain SQL"
_KEPT = 1 << 20
"""Bytes of an object's statements that are kept; INSERT statements are not needed twice."""
_COMPLETE = b"PostgreSQL database dump complete"
_VERSION = re.compile(r"-- Dumped (from database|by pg_dump) version (\S+)")


class _Contents:
    """Gathers the entries while the parts of the script pass by."""

    def __init__(self) -> None:
        self.titles: list[Title] = []
        self.sql: dict[Title, bytes] = defaultdict(bytes)
        self.rows: dict[Title, int] = defaultdict(int)
        self.size, self.within, self.tail = 0, False, b""

    def take(self, part: Part) -> None:
        self.size += len(part.data)
        self.within = part.kind in ("copy", "rows")
        if part.kind == "rows":
            self.rows[part.title] += part.data.count(b"\n")
            return
        if not self.titles or self.titles[-1] != part.title:
            self.titles.append(part.title)
        if part.kind == "copy":
            self.rows[part.title] += 0
        elif len(self.sql[part.title]) < _KEPT:
            self.sql[part.title] += part.data
        self.tail = part.data[-4096:]

    def entries(self) -> tuple[Entry, ...]:
        return tuple(
            Entry(
                number,
                title.kind,
                title.schema,
                title.name,
                title.owner,
                self.sql[title].decode(errors="replace"),
            )
            for number, title in enumerate(self.titles)
            if title != HEAD
        )


def plain_dump(path: Path, context: Context) -> Dump:
    """A plain dump with the same entries as an archive's table of contents.

    Problem ``dump-truncated`` where its end is missing, ``dump-of-cluster`` for one of pg_dumpall.
    """
    contents = _Contents()
    with clear_stream(path) as (stream, position):
        meter = Meter(READING, path.stat().st_size, context.progress)
        for part in parts(stream):
            if context.cancelled.is_set():
                raise interrupted()
            contents.take(part)
            meter.reach(position())
    head = contents.sql[HEAD].decode(errors="replace")
    _require_whole(path, contents, head)
    rows = {title.label: count for title, count in contents.rows.items()}
    return Dump(path, "plain", header_of(head), contents.entries(), rows=rows, clear=contents.size)


def _require_whole(path: Path, contents: _Contents, head: str) -> None:
    if "database cluster dump" in head:
        what = f"{path} is a dump of a whole cluster, by pg_dumpall."
        raise Problem("dump-of-cluster", what, "Give a dump of the one database: pg_dump DATABASE.")
    made_by_pg_dump = "PostgreSQL database dump" in head
    if contents.within or (made_by_pg_dump and _COMPLETE not in contents.tail):
        last = contents.titles[-1] if contents.titles else HEAD
        what = f"The dump {path} is not whole: it ends within {last.label}."
        raise Problem("dump-truncated", what, "Fetch it again, or take another dump.")


def header_of(head: str) -> Header:
    """The versions that the first lines of plain SQL tell."""
    found = dict(_VERSION.findall(head))
    return Header(server=found.get("from database", ""), pg_dump=found.get("by pg_dump", ""))
