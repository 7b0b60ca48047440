"""The transactions that were committed in a stretch of WAL, in its order, with what their commits tell."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from archive.waldump import Record

_ENDING = re.compile(r"(COMMIT|ABORT)(?:_PREPARED (\d+):)? ([-\d]+ [:.\d]+) UTC(.*)")
_LIST = re.compile(r"; (rels|subxacts|dropped stats): ([^;]*)")
_RELATION_STATS = "2"
"""PGSTAT_KIND_RELATION of PostgreSQL 15 and later: an entry says that a table or an index is gone."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PAGE = 8192


@dataclass(frozen=True)
class Ending:
    """The end of a transaction. Its record begins at ``lsn``; ``end`` is the first position after it.

    ``files`` are those that it took away ("5/16384": database and number), ``dropped`` the OIDs of tables and
    indexes that are gone with it (PostgreSQL 15 and later), ``members`` itself and its subtransactions.
    """

    xid: int
    time: datetime
    lsn: int
    end: int
    committed: bool = True
    files: tuple[str, ...] = ()
    dropped: frozenset[int] = frozenset()
    members: tuple[int, ...] = ()


def ending(record: Record, segment_size: int) -> Ending | None:
    """What a record of the Transaction manager says; None where it ends no transaction."""
    match = _ENDING.match(record.text)
    if match is None:
        return None
    xid, more = int(match[2] or record.xid), dict(_LIST.findall(match[4])) if match[4] else {}
    return Ending(
        xid=xid,
        time=datetime.fromisoformat(match[3]).replace(tzinfo=UTC),
        lsn=record.lsn,
        end=end_of(record.lsn, record.length, segment_size),
        committed=match[1] == "COMMIT",
        files=tuple(file_key(path) for path in more.get("rels", "").split()),
        dropped=frozenset(_relations(more.get("dropped stats", ""))),
        members=(xid, *map(int, more.get("subxacts", "").split())),
    )


def _relations(stats: str) -> Iterator[int]:
    for entry in stats.split():
        kind, _database, oid = entry.split("/")
        if kind == _RELATION_STATS:
            yield int(oid)


def file_key(path: str) -> str:
    """Database and number of a relation's file, by whichever path or name WAL calls it: "5/16384"."""
    return "/".join(path.split("/")[-2:])


def end_of(lsn: int, length: int, segment_size: int) -> int:
    """The position after a record of so many bytes, page headers and alignment included.

    A page begins with 24 bytes of its own, a segment with 40 (src/include/access/xlog_internal.h).
    """
    while length:
        room = _PAGE - lsn % _PAGE
        lsn, length = lsn + min(room, length), max(0, length - room)
        if length:
            lsn += 24 if lsn % segment_size else 40
    return (lsn + 7) // 8 * 8


@dataclass
class Commits:
    """Every commit of a stretch, in WAL order; a few bytes each, because there may be millions."""

    _xids: array[int] = field(default_factory=lambda: array("Q"))
    _times: array[int] = field(default_factory=lambda: array("q"))
    _lsns: array[int] = field(default_factory=lambda: array("Q"))
    _ends: array[int] = field(default_factory=lambda: array("Q"))

    def add(self, one: Ending) -> None:
        self._xids.append(one.xid)
        self._times.append((one.time - _EPOCH) // _MICROSECOND)
        self._lsns.append(one.lsn)
        self._ends.append(one.end)

    def __len__(self) -> int:
        return len(self._xids)

    def __getitem__(self, index: int) -> Ending:
        """Xid, time and place of one; the rest of what its record said is not kept."""
        time = _EPOCH + self._times[index] * _MICROSECOND
        return Ending(self._xids[index], time, self._lsns[index], self._ends[index])

    def __iter__(self) -> Iterator[Ending]:
        return (self[index] for index in range(len(self)))

    def part(self, first: int, end: int) -> Commits:
        """Those from one index up to another, that one not included."""
        columns = (self._xids, self._times, self._lsns, self._ends)
        return Commits(*(column[first:end] for column in columns))

    def of(self, xids: Collection[int]) -> dict[int, Ending]:
        """Those with these ids."""
        return {xid: self[index] for index, xid in enumerate(self._xids) if xid in xids}

    def index(self, lsn: int) -> int:
        """Which commit is the first whose record begins at a position or after it."""
        return bisect_left(self._lsns, lsn)

    def first_after(self, time: datetime) -> int:
        """Which commit is the first later than a time: neighbours may be swapped by a hair, no more."""
        limit = (time - _EPOCH) // _MICROSECOND
        return next((index for index, one in enumerate(self._times) if one > limit), len(self))
