"""What transactions did to tables as whole files: dropped, emptied, rewritten; and which file is whose.

A table keeps its OID and changes its file with TRUNCATE, VACUUM FULL, CLUSTER and some ALTER TABLE. WAL names
files, but two records know OIDs: the exclusive lock that such a command takes (Standby/LOCK) and, from
PostgreSQL 15 on, the commit that drops a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from archive.waldump import Reader, Record
from finding.transactions import Commits, Ending, ending, file_key

Kind = Literal["dropped", "truncated", "rewritten"]
MANAGERS = ("Transaction", "Storage", "Standby", "Tablespace")
_LOCK = re.compile(r"LOCK xid (\d+) db (\d+) rel (\d+)")
_CREATE = re.compile(r"CREATE (\S+)")
_FILLED = re.compile(r"rel \d+/(\d+/\d+)")
_FILLS = ("INSERT", "MULTI_INSERT", "FPI")


@dataclass(frozen=True)
class Change:
    """A table's file was taken away by a transaction; ``oid`` is the table's, ``file`` its next one."""

    kind: Kind
    oid: int
    by: Ending
    file: str = ""


@dataclass
class _Work:
    """What a transaction under way did: files made, tables locked with how many files there were before."""

    begun: int
    files: list[str] = field(default_factory=list)
    locks: dict[int, int] = field(default_factory=dict)


@dataclass
class Tracker:
    """Reads a stretch of WAL once and knows the files of the tables that are followed at its end.

    ``files``: OIDs by file, all files that the tables ever had.
    """

    reader: Reader
    database: int
    files: dict[str, int]
    changes: list[Change] = field(default_factory=list)
    commits: Commits = field(default_factory=Commits)
    tops: dict[int, int] = field(default_factory=dict)
    """Transactions by their subtransactions."""
    tablespace: int | None = None
    """Where the first CREATE TABLESPACE lies: replayed, it would work on folders of the original."""
    _work: dict[int, _Work] = field(default_factory=dict)

    def read(self, first: int, last: int) -> Iterator[int]:
        """Go through the segments with these indices; tells each position that it comes to."""
        managers = [f"--rmgr={name}" for name in MANAGERS] if self.reader.binaries.major >= 15 else []
        for record in self.reader.records(first, last, *managers):
            if record.manager == "Transaction":
                self._end(record)
                yield record.lsn
            elif record.manager in MANAGERS:
                self._note(record)

    def _note(self, record: Record) -> None:
        if record.manager == "Tablespace":
            if self.tablespace is None and record.text.startswith("CREATE"):
                self.tablespace = record.lsn
        elif match := _CREATE.match(record.text):
            self._of(record.xid, record.lsn).files.append(file_key(match[1]))
        elif (match := _LOCK.match(record.text)) and self._is_ours(match):
            work = self._of(int(match[1]), record.lsn)
            work.locks.setdefault(int(match[3]), len(work.files))

    def _is_ours(self, lock: re.Match[str]) -> bool:
        return int(lock[2]) == self.database and int(lock[3]) in self.files.values()

    def _of(self, xid: int, lsn: int) -> _Work:
        return self._work.setdefault(xid, _Work(lsn))

    def _end(self, record: Record) -> None:
        one = ending(record, self.reader.chain.following.size)
        if one is None:
            return
        done = [(xid, self._work.pop(xid)) for xid in one.members if xid in self._work]
        if not one.committed:
            return
        self.commits.add(one)
        self.tops |= {xid: one.xid for xid in one.members[1:]}
        for file in one.files:
            if file in self.files:
                self._lost(file, one, sorted(done, key=lambda pair: pair[1].begun))

    def _lost(self, file: str, by: Ending, done: list[tuple[int, _Work]]) -> None:
        """A file of a followed table went away: the table too, or it goes on in another file."""
        oid = self.files[file]
        made = [name for _xid, work in done for name in work.files if name not in by.files]
        if oid in by.dropped or not made:
            self.changes.append(Change("dropped", oid, by))
            return
        filled = self._filled(by, done)
        twin = _twin(file, by.files, made)
        if twin and twin not in filled:
            kind: Kind = "truncated"
        else:
            kind, twin = "rewritten", _after_lock(oid, made, done)
        self.files[twin] = oid
        self.changes.append(Change(kind, oid, by, twin))

    def _filled(self, by: Ending, done: list[tuple[int, _Work]]) -> set[str]:
        """Files that got rows or whole pages from a transaction."""
        chain, found = self.reader.chain, set[str]()
        for xid, work in done:
            last = chain.index(by.lsn)
            records = self.reader.records(chain.index(work.begun), last, f"--xid={xid}")
            found |= {
                match[1]
                for record in records
                if record.text.startswith(_FILLS) and (match := _FILLED.search(record.text))
            }
        return found


def _twin(file: str, lost: Iterable[str], made: list[str]) -> str:
    """The new file of TRUNCATE: it makes new files in one order and drops the old ones in the reverse."""
    order = list(lost)
    return made[-1 - order.index(file)] if len(order) == len(made) else ""


def _after_lock(oid: int, made: list[str], done: list[tuple[int, _Work]]) -> str:
    """The new file of a rewrite: the first one made since the table was locked, and kept."""
    for _xid, work in done:
        if oid in work.locks:
            kept = [name for name in work.files[work.locks[oid] :] if name in made]
            if kept:
                return kept[0]
    return made[0]
