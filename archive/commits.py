"""When transactions ended, and where a recovery target lies, read from a chain as sparingly as it goes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain as chained

from archive.chain import Chain
from archive.lsn import format_lsn
from archive.waldump import Reader, parse_record
from toolchain.postgres import Binaries

_ENDING = re.compile(r"(COMMIT|ABORT)(?:_PREPARED (\d+):)? ([-\d]+ [:.\d]+) UTC")
_TRANSACTIONS = "--rmgr=Transaction"
_MOST = 64
"""Segments read at once while walking back over WAL without commits."""


@dataclass(frozen=True)
class Commit:
    """The end of a transaction; ``lsn`` is where its record begins.

    A time target stops at aborts too, so they are read as well: ``committed`` is False for them.
    """

    xid: int
    time: datetime
    lsn: int
    committed: bool = True


def endings(reader: Reader, first: int, last: int) -> Iterator[Commit]:
    """Commits and aborts, prepared ones included, in the segments with these indices, in WAL order."""
    for record in reader.records(first, last, _TRANSACTIONS):
        match = _ENDING.match(record.text)
        if match:
            time = datetime.fromisoformat(match[3]).replace(tzinfo=UTC)
            yield Commit(int(match[2] or record.xid), time, record.lsn, match[1] == "COMMIT")


def last_commit(chain: Chain, binaries: Binaries) -> Commit | None:
    """The last commit in the chain; None if it holds none."""
    return last_commit_before(chain, chain.end_lsn, binaries)


def last_commit_before(chain: Chain, lsn: int, binaries: Binaries) -> Commit | None:
    """The last commit whose record begins before ``lsn``; walks back in growing steps."""
    for found in _backwards(chain, lsn, binaries):
        commits = [ending for ending in found if ending.committed]
        if commits:
            return commits[-1]
    return None


def latest_time_before(chain: Chain, lsn: int, binaries: Binaries) -> datetime | None:
    """The latest time among the last endings before ``lsn``; None if the chain has none there.

    Times are taken before the record is written, so neighbours may be swapped by a hair: the last one is not
    always the latest.
    """
    found = next(_backwards(chain, lsn, binaries), [])
    return max((ending.time for ending in found), default=None)


def _backwards(chain: Chain, lsn: int, binaries: Binaries) -> Iterator[list[Commit]]:
    """Endings before ``lsn``, from the last segments that have any to the first."""
    reader, last, step = Reader(chain, binaries), chain.index(lsn - 1), 1
    while last >= 0 and chain.segments:
        first = max(0, last - step + 1)
        found = [ending for ending in endings(reader, first, last) if ending.lsn < lsn]
        if found:
            yield found
        last, step = first - 1, min(2 * step, _MOST)


def first_after(chain: Chain, time: datetime, binaries: Binaries, inclusive: bool = True) -> Commit | None:
    """The ending that stops recovery to ``time``: the first one later, or not earlier if not ``inclusive``.

    Finds its segment by bisection: some fourteen of ten thousand segments are read.
    """
    reader = Reader(chain, binaries)
    low, high, found = 0, len(chain.segments), None
    while low < high:
        middle = (low + high) // 2
        index, ended = _next_endings(reader, middle, high)
        stop = next((e for e in ended if e.time > time or (e.time == time and not inclusive)), None)
        if index >= high or stop:
            high, found = middle, stop or found
        else:
            low = index + 1
    return found


def _next_endings(reader: Reader, start: int, limit: int) -> tuple[int, Iterator[Commit]]:
    """The first segment from ``start`` on that has an ending, and all of its endings; ``limit`` if none has.

    Most have one, so the first is read alone, and once; those after it in one go, which is left at the first
    ending.
    """
    ended = endings(reader, start, start)
    if ending := next(ended, None):
        return start, chained((ending,), ended)
    following = next(endings(reader, start + 1, limit - 1), None) if start + 1 < limit else None
    if following is None:
        return limit, iter(())
    index = reader.chain.index(following.lsn)
    return index, endings(reader, index, index)


def find_xid(chain: Chain, xid: int, binaries: Binaries, before: int | None = None) -> Commit | None:
    """The end of a transaction in the chain, before position ``before`` if given; None if it is not there."""
    return next((e for e in _forward(chain, binaries, before) if e.xid == xid), None)


def _forward(chain: Chain, binaries: Binaries, before: int | None) -> Iterator[Commit]:
    last = len(chain.segments) - 1 if before is None else chain.index(before)
    return endings(Reader(chain, binaries), 0, last) if chain.segments else iter(())


def find_restore_point(chain: Chain, name: str, binaries: Binaries, before: int | None = None) -> int | None:
    """Where the first restore point of that name lies, before ``before`` if given; None if there is none."""
    if not chain.segments:
        return None
    last = len(chain.segments) - 1 if before is None else chain.index(before)
    records = Reader(chain, binaries).records(0, last, "--rmgr=XLOG")
    return next((record.lsn for record in records if record.text == f"RESTORE_POINT {name}"), None)


def record_from(chain: Chain, lsn: int, binaries: Binaries) -> int | None:
    """Where the first record at or after ``lsn`` begins; None if the chain has none there."""
    if not chain.segments or lsn >= chain.end_lsn:
        return None
    index = chain.index(lsn)
    lines = Reader(chain, binaries).lines(index, index, f"--start={format_lsn(lsn)}", "--limit=1")
    return next((record.lsn for line in lines if (record := parse_record(line))), None)


def last_record(chain: Chain, binaries: Binaries) -> int | None:
    """Where the last record of the chain begins, a commit or not; None if it holds none."""
    reader = Reader(chain, binaries)
    for index in reversed(range(len(chain.segments))):
        last = ""
        for line in reader.lines(index, index):
            last = line if line.startswith("rmgr:") else last
        # The lines of a segment that is not the chain's last run on into the next one: nothing begins there.
        if record := parse_record(last):
            return record.lsn
    return None
