"""Which act on a table is meant, and when WAL alone leaves no doubt."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import pytest

from finding.suspicion import What, suspicion
from finding.tables import Act, Size
from finding.touches import Touch
from finding.traces import Change
from finding.transactions import Ending

NOW = datetime(2026, 11, 24, tzinfo=UTC)
KNOWN, UNKNOWN = Size(1, 1000), Size(1, -1)


def act(
    xid: int, deleted: int = 0, *kinds: Literal["dropped", "truncated", "rewritten"], oid: int = 1
) -> Act:
    commit = Ending(xid, NOW, xid * 100, xid * 100 + 40)
    return Act(commit, Touch(deleted=deleted), [Change(kind, oid, commit) for kind in kinds])


def chosen(acts: list[Act], what: What = "lost", size: Size = KNOWN) -> tuple[int, bool] | None:
    found = suspicion(acts, what, size)
    return (found.act.commit.xid, found.clear) if found else None


def test_the_last_of_what_emptied_or_dropped_it_is_meant() -> None:
    acts = [act(1, 1000), act(2, 0, "truncated"), act(3, 5), act(4, 0, "dropped"), act(5, 1)]
    assert chosen(acts) == (4, True)
    assert chosen(acts, "emptied") == (2, True)
    assert chosen(acts, "dropped") == (4, True)
    assert chosen(acts[:1]) == (1, True)


def test_a_rewrite_empties_nothing() -> None:
    assert chosen([act(1, 900, "rewritten")]) is None
    assert chosen([act(1, 0, "rewritten")], "changed") == (1, True)


@pytest.mark.parametrize(("deleted", "clear"), [(499, False), (500, True)])
def test_a_delete_of_half_of_the_rows_is_an_emptying(deleted: int, clear: bool) -> None:
    assert chosen([act(1, deleted), act(2, 3)]) == (1, clear)


@pytest.mark.parametrize(("others", "clear"), [(9, True), (11, False)])
def test_where_rows_were_never_counted_it_has_to_stand_out(others: int, clear: bool) -> None:
    assert chosen([act(1, 100), act(2, others)], size=UNKNOWN) == (1, clear)


def test_a_partitioned_table_is_gone_with_all_of_its_parts() -> None:
    commit = Ending(9, NOW, 900, 940)
    all_parts = Act(commit, Touch(), [Change("dropped", oid, commit) for oid in (1, 2)])
    assert chosen([act(1, 0, "dropped", oid=1)], size=Size(2, -1)) is None
    assert chosen([act(1, 0, "dropped", oid=1), all_parts], size=Size(2, -1)) == (9, True)


def test_nothing_of_the_kind_is_nothing() -> None:
    assert chosen([act(1, 1000)], "dropped") is None
    assert chosen([]) is None
    assert chosen([act(1)], "changed") is None


def test_others_are_told_in_the_order_of_wal_and_not_too_many() -> None:
    found = suspicion([act(number, number) for number in range(1, 30)], "changed", KNOWN)
    assert found is not None
    assert found.act.commit.xid == 29
    assert [one.commit.xid for one in found.others] == list(range(20, 29))
