"""A standby in recovery is validated by reading; what would write is passed over and says why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.servers import Postgres, folder, scratch
from tests.support.standby import Standby
from validation.activity import counters, diagnostics, written_between
from validation.fingerprint import fingerprint
from validation.runner import Subject, run
from validation.suite import parse

SUITE = """
name: on a standby
checks:
  - connectivity
  - row-counts: {tables: {users: {at-least: 3}}}
  - sql: {name: users, query: "SELECT count(*) FROM users", expect: 3}
  - write: {write: true, insert: "INSERT INTO users VALUES (9) RETURNING id", read: "SELECT 1"}
"""


@pytest.fixture(scope="module")
def standby() -> Iterator[Standby]:
    with scratch() as place, Postgres(folder(place / "primary")) as primary:
        primary.execute("CREATE TABLE users (id bigint PRIMARY KEY); INSERT INTO users VALUES (1), (2), (3)")
        with Standby(place / "standby", primary.url()) as running:
            running.catch_up()
            yield running


def test_reading_checks_run_and_writing_ones_are_passed_over_with_the_reason(standby: Standby) -> None:
    report = run(parse(SUITE), Subject(standby.url(), standby.primary, standby=True))
    assert report.passed, report.text
    assert [one.outcome for one in report.verdicts] == ["passed", "passed", "passed", "skipped"]
    assert "standby in recovery" in report.verdicts[-1].summary
    assert report.conclusion == "passed: 3 checks, 1 skipped (write)"
    assert standby.execute("SELECT count(*) FROM users") == [(3,)]
    assert not run(parse(SUITE), Subject(standby.url())).passed, "a restore must have left recovery"


def test_its_fingerprint_is_the_originals_and_its_activity_can_be_read(standby: Standby) -> None:
    assert fingerprint(standby.url()).total == fingerprint(standby.primary).total
    assert diagnostics(standby.url()).in_recovery


def test_what_is_written_after_its_promotion_is_counted_from_zero(standby: Standby) -> None:
    before = counters(standby.url(), timedelta(seconds=0.1))
    standby.execute("SELECT pg_promote()")
    standby.execute("INSERT INTO users VALUES (4), (5); SELECT pg_stat_force_next_flush()")
    after = counters(standby.url(), timedelta(seconds=0.1))
    assert written_between(before, after).tables["public.users"].inserted == 2
