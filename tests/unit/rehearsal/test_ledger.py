"""The ledger tells on which side of a recovery target a write was committed, and says when it cannot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from problem import Misuse
from rehearsal.ledger import Entry, Instant, Ledger, Side, compare, read_ledger

NOON = datetime(2025, 12, 3, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def entry(sent: float, answered: float, key: str = "k", **known: str) -> Entry:
    return Entry(key, "hero_snapshots", 1, at(sent), at(answered), 5432, **known)


@pytest.mark.parametrize(
    ("sent", "answered", "side"),
    [(-2, -1, "before"), (1, 2, "after"), (-1, 1, "undecided"), (-1, 0, "undecided"), (0, 1, "undecided")],
)
def test_time_decides_only_what_lies_wholly_on_one_side(sent: float, answered: float, side: Side) -> None:
    assert Instant(time=NOON).side(entry(sent, answered)) == side


@pytest.mark.parametrize(
    ("before", "after", "side"),
    [
        ("0/100", "0/200", "before"),  # its commit ended where the target is
        ("0/200", "0/300", "undecided"),  # its commit may be the record at the target
        ("0/201", "0/300", "after"),
        ("0/100", "0/300", "undecided"),
        ("0/FFFFFFFF", "1/0", "after"),  # compared as positions, not as text
    ],
)
def test_lsn_decides_what_time_cannot(before: str, after: str, side: Side) -> None:
    straddling = entry(-1, 1, lsn_before=before, lsn_after=after)
    assert Instant(time=NOON, lsn="0/200").side(straddling) == side


def test_where_the_lsn_does_not_decide_the_time_does() -> None:
    assert (
        Instant(time=NOON, lsn="0/200").side(entry(-2, -1, lsn_before="0/100", lsn_after="0/300")) == "before"
    )


def test_a_write_whose_later_position_is_of_another_server_is_still_known_to_come_after() -> None:
    assert Instant(lsn="0/200").side(entry(-1, 1, lsn_before="0/300")) == "after"


@pytest.mark.parametrize(("inclusive", "side"), [(True, "before"), (False, "after")])
def test_the_target_transaction_itself_is_restored_only_where_the_target_includes_it(
    inclusive: bool, side: Side
) -> None:
    own = entry(-1, 1, xid="731", lsn_before="0/100", lsn_after="0/300")
    assert Instant(lsn="0/200", xid="731", inclusive=inclusive).side(own) == side


def test_a_smaller_transaction_id_alone_decides_nothing() -> None:
    assert Instant(xid="731").side(entry(-1, 1, xid="730")) == "undecided"


def test_a_target_time_without_zone_is_refused() -> None:
    with pytest.raises(Misuse, match="no zone") as raised:
        Instant(time=datetime(2025, 12, 3))
    assert raised.value.name == "time-without-zone"


def test_what_is_missing_and_what_should_not_be_there_is_named() -> None:
    entries = [entry(-3, -2, "kept"), entry(-3, -2, "lost"), entry(-1, 1, "either"), entry(1, 2, "late")]
    found = compare(entries, {"kept", "late", "of-nobody"}, Instant(time=NOON))
    assert (found.missing, found.intruding) == (("lost",), ("late",))
    assert found.report() == {
        "acknowledged_before_target": 2,
        "missing_after_restore": 1,
        "present_from_after_target": 1,
        "undecided": 1,
    }


def test_entries_come_back_from_the_file_as_they_were_and_a_torn_last_line_is_left_out(
    tmp_path: Path,
) -> None:
    file = tmp_path / "ledger.jsonl"
    answer = {"id": 7, "xid": "731", "server": 5432, "lsn_before": "0/1", "lsn_after": None}
    written = Entry.acknowledged("k", NOON.timestamp(), NOON.timestamp() + 0.25, answer)
    ledger = Ledger(file)
    ledger.add(written)
    ledger.close()
    with file.open("a") as torn:
        torn.write('{"key": "half')
    assert list(read_ledger(file)) == [written]
    assert (written.id, written.acknowledged_at) == (7, at(0.25))
