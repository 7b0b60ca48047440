"""How many rows of a table each transaction inserted, updated and deleted, counted in WAL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from archive.waldump import Reader, Record
from finding.transactions import file_key

FEW_FILES = 4
"""Up to so many files WAL is read once for each, which pg_waldump filters; beyond that once for all."""
_FILE = re.compile(r"blkref #0: rel (\d+/\d+/\d+)")
_MANY = re.compile(r"MULTI_INSERT\S* (?:ntuples:? )?(\d+)")
_HEAP = ("--rmgr=Heap", "--rmgr=Heap2")


@dataclass
class Touch:
    """Rows that one transaction changed; one that moves to another partition is deleted and inserted."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    def add(self, text: str) -> None:
        """One record of the heap, as pg_waldump words it."""
        if text.startswith("DELETE"):
            self.deleted += 1
        elif text.startswith(("UPDATE", "HOT_UPDATE")):
            self.updated += 1
        elif text.startswith("INSERT"):
            self.inserted += 1
        elif match := _MANY.match(text):
            self.inserted += int(match[1])

    def __add__(self, other: Touch) -> Touch:
        return Touch(
            self.inserted + other.inserted, self.updated + other.updated, self.deleted + other.deleted
        )

    @property
    def rows(self) -> int:
        return self.inserted + self.updated + self.deleted


def count(reader: Reader, first: int, last: int, files: Iterable[str]) -> Iterator[tuple[int, Touch]]:
    """Touches by xid (of subtransactions too) in the segments with these indices.

    ``files`` are names like "1663/5/16384": tablespace (0 where it is not known), database, number. An xid
    comes up again in another file's pass.
    """
    names = sorted(set(files))
    passes = [[name] for name in names] if len(names) <= FEW_FILES else [names]
    for wanted in passes:
        yield from _pass(reader, first, last, wanted).items()


def _pass(reader: Reader, first: int, last: int, wanted: list[str]) -> dict[int, Touch]:
    options: tuple[str, ...] = ()
    if reader.binaries.major >= 15:
        single = len(wanted) == 1 and not wanted[0].startswith("0/")
        options = (f"--relation={wanted[0]}", *_HEAP) if single else _HEAP
    keys, found = {file_key(name) for name in wanted}, dict[int, Touch]()
    for record in reader.records(first, last, *options):
        if heap_file(record) in keys:
            found.setdefault(record.xid, Touch()).add(record.text)
    return {xid: touch for xid, touch in found.items() if xid and touch.rows}


def heap_file(record: Record) -> str:
    """The file of the table whose rows a record changes; empty for a record of anything else."""
    match = _FILE.search(record.text) if record.manager in ("Heap", "Heap2") else None
    return file_key(match[1]) if match else ""
