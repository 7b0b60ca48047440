"""What transactions did is read alike from the WAL of PostgreSQL 15, 16 and 18."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from archive.waldump import parse_record
from finding.touches import Touch, count, heap_file
from finding.traces import Tracker
from finding.transactions import Commits, Ending, end_of, ending
from tests.unit.finding.recorded import FIRST, SEGMENT, WAL, RecordedReader

FILE, OID = "5/16384", 16384


def reader(major: int, lines: list[str] | None = None) -> Any:
    return RecordedReader(major, lines)


def tracked(major: int) -> Tracker:
    tracker = Tracker(reader(major), 5, {FILE: OID})
    assert list(tracker.read(0, 0))
    return tracker


@pytest.mark.parametrize("major", FIRST)
def test_a_table_is_followed_from_file_to_file_until_it_is_dropped(major: int) -> None:
    tracker = tracked(major)
    changes = [(change.kind, change.by.xid - FIRST[major]) for change in tracker.changes]
    assert changes == [("truncated", 3), ("rewritten", 5), ("rewritten", 6), ("dropped", 7)]
    assert [change.file for change in tracker.changes][-1] == ""
    assert len(tracker.files) == 4
    assert set(tracker.files.values()) == {OID}


@pytest.mark.parametrize("major", FIRST)
def test_commits_are_told_and_what_was_rolled_back_is_not(major: int) -> None:
    tracker = tracked(major)
    first = FIRST[major]
    assert [one.xid - first for one in tracker.commits] == [0, 1, 3, 4, 5, 6, 7, 8, 9, 10]
    assert tracker.tops == {first + 2: first + 1}


@pytest.mark.parametrize("major", FIRST)
def test_rows_are_counted_by_transaction_whoever_words_them(major: int) -> None:
    tracker = tracked(major)
    files = [f"1663/{file}" for file in tracker.files]
    found = {xid - FIRST[major]: touch for xid, touch in count(tracker.reader, 0, 0, files)}
    assert found[0] == Touch(deleted=2)
    assert found[1] == Touch(updated=1)
    assert found[2] == Touch(deleted=1)
    assert found[4] == Touch(inserted=3)


def test_before_15_pg_waldump_filters_nothing_and_the_same_is_found() -> None:
    old = reader(15)
    old.binaries.major = 14
    assert dict(count(old, 0, 0, [f"1663/{FILE}"])) == dict(count(reader(15), 0, 0, [f"1663/{FILE}"]))
    assert old.asked == [()]


def test_many_files_are_counted_in_one_pass_and_so_is_one_in_an_unknown_tablespace() -> None:
    many, unknown = reader(15), reader(15)
    names = [f"1663/5/{number}" for number in range(16384, 16394)]
    assert dict(count(many, 0, 0, names))
    assert dict(count(unknown, 0, 0, [f"0/{FILE}"]))
    assert many.asked == unknown.asked == [("--rmgr=Heap", "--rmgr=Heap2")]


LINE = "rmgr: {} len (rec/tot): 42/ 42, tx: 7, lsn: 0/01000028, prev 0/01000000, desc: {}"


@pytest.mark.parametrize(
    ("text", "touch"),
    [
        ("MULTI_INSERT 12 tuples flags 0x02", Touch(inserted=12)),
        ("MULTI_INSERT+INIT ntuples: 3, flags: 0x02", Touch(inserted=3)),
        ("INSERT+INIT off: 1, flags: 0x00", Touch(inserted=1)),
        ("UPDATE old_xmax: 7, old_off: 4", Touch(updated=1)),
        ("LOCK off 8: xid 730: flags 0x00 LOCK_ONLY", Touch()),
        ("INPLACE off 4", Touch()),
    ],
)
def test_the_records_of_rows(text: str, touch: Touch) -> None:
    found = Touch()
    found.add(text)
    assert found == touch


def test_a_record_of_an_index_is_no_row() -> None:
    record = parse_record(LINE.format("Btree", "DELETE nitems 2, blkref #0: rel 1663/5/16384 blk 1"))
    assert record is not None
    assert heap_file(record) == ""


def test_the_second_phase_of_a_prepared_transaction_is_that_transactions_end() -> None:
    text = (
        "COMMIT_PREPARED 731: 2026-11-24 10:23:53.656090 UTC; rels: pg_tblspc/16999/PG_15_202209061/5/16400"
    )
    record = parse_record(LINE.format("Transaction", text))
    assert record is not None
    found = ending(record, SEGMENT)
    assert found is not None
    assert (found.xid, found.files, found.members) == (731, ("5/16400",), (731,))
    nothing = parse_record(LINE.format("Transaction", "ASSIGNMENT xtop 5: subxacts: 6"))
    assert nothing is not None
    assert ending(nothing, SEGMENT) is None


@pytest.mark.parametrize(
    ("lsn", "length", "end"),
    [
        (0x1000028, 34, 0x1000050),  # aligned to 8
        (0x1001FF0, 16, 0x1002000),  # up to the very end of a page
        (0x1001FF0, 34, 0x1002030),  # over a page's header of 24 bytes
        (0x1FFFFF0, 34, 0x2000040),  # over a segment's of 40
        (0x1000028, 20000, 0x1000028 + 20000 + 2 * 24),
    ],
)
def test_where_a_record_ends(lsn: int, length: int, end: int) -> None:
    assert end_of(lsn, length, SEGMENT) == end


@pytest.mark.parametrize("major", FIRST)
def test_a_record_ends_where_the_next_one_begins(major: int) -> None:
    lines = (WAL / f"{major}.txt").read_text().splitlines()
    neighbours = 0
    for line, following in pairwise(lines):
        one, other = parse_record(line), parse_record(following)
        assert one is not None
        assert other is not None
        if f"prev {one.lsn >> 32:X}/{one.lsn & 0xFFFFFFFF:08X}," in following:
            neighbours += 1
            assert end_of(one.lsn, one.length, SEGMENT) == other.lsn
    assert neighbours > 20


def test_commits_are_found_by_place_and_time() -> None:
    begin, commits = datetime(2026, 11, 24, 10, tzinfo=UTC), Commits()
    for number in range(10):
        commits.add(
            Ending(100 + number, begin + timedelta(seconds=number), 1000 * number, 1000 * number + 40)
        )
    assert commits[3] == Ending(103, begin + timedelta(seconds=3), 3000, 3040)
    assert (commits.index(3000), commits.index(3001), commits.index(99999)) == (3, 4, 10)
    assert commits.first_after(begin + timedelta(seconds=4)) == 5
    assert commits.first_after(begin + timedelta(days=1)) == 10
    assert [one.xid for one in commits.part(2, 4)] == [102, 103]
    assert {xid: one.lsn for xid, one in commits.of({101, 105, 99}).items()} == {101: 1000, 105: 5000}
