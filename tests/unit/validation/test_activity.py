"""Counters before and after, and queries without their values."""

from __future__ import annotations

from datetime import UTC, datetime

from validation.activity import Counters, Written, _without_values, written_between


def counters(reset_at: datetime | None = None, *, settled: bool = True, **tables: Written) -> Counters:
    return Counters(tables, settled, reset_at)


def test_only_tables_that_were_written_are_told() -> None:
    before = counters(users=Written(5, 1, 0), troops=Written(3))
    after = counters(users=Written(7, 1, 1), troops=Written(3), new=Written(2))
    found = written_between(before, after)
    assert found.tables == {"users": Written(2, 0, 1), "new": Written(2)}
    assert found.tables["users"].total == 3
    assert found.exact


def test_a_reset_in_between_leaves_a_lower_bound() -> None:
    before = counters(users=Written(5))
    for after in (counters(users=Written(2)), counters(datetime.now(UTC), users=Written(2))):
        found = written_between(before, after)
        assert found.tables == {"users": Written(2)}
        assert not found.exact


def test_unsettled_counters_and_dropped_tables_are_a_lower_bound() -> None:
    one = counters(users=Written(5))
    assert not written_between(one, counters(settled=False, users=Written(6))).exact
    assert not written_between(one, counters()).exact


def test_a_query_is_shown_without_its_values() -> None:
    query = "SELECT *\n FROM users WHERE name = 'O''Neil' AND id = 42 AND t2.x = $1 AND body = $q$secret$q$"
    assert (
        _without_values(query) == "SELECT * FROM users WHERE name = ? AND id = ? AND t2.x = $? AND body = ?"
    )
    assert _without_values("UPDATE users SET token = 'cut off by the serv") == "UPDATE users SET token = ?"
    assert len(_without_values("SELECT " + "a, " * 200)) == 200
