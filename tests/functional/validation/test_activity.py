"""Diagnostics, writing sessions and counters of a real server."""

from __future__ import annotations

import json
from datetime import timedelta

import psycopg
import pytest

from tests.functional.validation.conftest import StarForge
from tests.support.servers import Postgres, scratch
from validation.activity import Written, counters, diagnostics, writing_sessions, written_between
from validation.connections import Unreachable


def test_diagnostics_hold_what_the_runbook_wants(starforge: StarForge) -> None:
    with psycopg.connect(starforge.url, application_name="api") as client:
        client.execute("SELECT 'secret', 42")
        found = diagnostics(starforge.url)
    (session,) = [session for session in found.sessions if session.application == "api"]
    assert session.query == "SELECT ?, ?"
    assert session.state == "idle in transaction"
    assert session.database == starforge.name
    assert not session.writing
    assert found.wal_position is not None
    assert "/" in found.wal_position
    assert not found.in_recovery
    assert (found.sizes[starforge.name] or 0) > 1_000_000
    document = json.loads(json.dumps(found.document()))
    assert document["wal_position"] == found.wal_position
    assert document["taken_at"].endswith("+00:00")


def test_diagnostics_name_the_last_archived_segment() -> None:
    with scratch() as folder, Postgres(folder / "pg", archive=folder / "wal") as server:
        name = server.switch_wal()
        server.execute("SELECT pg_stat_force_next_flush()")
        found = diagnostics(server.url())
    assert found.last_archived_wal == name
    assert found.last_archived_time is not None
    assert found.document()["last_archived_time"].startswith(str(found.last_archived_time.year))


def test_a_session_that_has_written_in_an_open_transaction_is_found(starforge: StarForge) -> None:
    with psycopg.connect(starforge.url) as writer, psycopg.connect(starforge.url) as reader:
        reader.execute("SELECT count(*) FROM users")
        assert writing_sessions(starforge.url) == ()
        writer.execute("DELETE FROM user_troops WHERE user_id = 7")
        (found,) = writing_sessions(starforge.url)
        assert found.pid == writer.info.backend_pid
        assert found.query == "DELETE FROM user_troops WHERE user_id = ?"
        writer.rollback()
        assert writing_sessions(starforge.url) == ()


def test_rows_written_between_two_moments_are_counted_by_table(starforge: StarForge) -> None:
    before = counters(starforge.url)
    assert before.settled
    starforge.execute("INSERT INTO user_troops SELECT 1, generate_series(100, 106)")
    starforge.execute("UPDATE user_troops SET level = 2 WHERE user_id = 2")
    starforge.execute("DELETE FROM hero_snapshots WHERE id <= 3")
    found = written_between(before, counters(starforge.url))
    assert found.exact
    assert found.tables == {
        "public.user_troops": Written(inserted=7, updated=1),
        "public.hero_snapshots": Written(deleted=3),
    }


def test_rows_of_a_session_that_stays_connected_are_waited_for(starforge: StarForge) -> None:
    before = counters(starforge.url)
    with psycopg.connect(starforge.url, autocommit=True) as pooled:
        for number in range(200, 205):  # the server lets go of the first ones only
            pooled.execute("INSERT INTO user_troops VALUES (1, %s)", [number])
        found = written_between(before, counters(starforge.url))
    assert found.exact
    assert found.tables == {"public.user_troops": Written(inserted=5)}


def test_a_busy_session_makes_the_counts_a_lower_bound(starforge: StarForge) -> None:
    before = counters(starforge.url)
    with psycopg.connect(starforge.url) as busy:
        busy.execute("INSERT INTO user_troops VALUES (1, 300)")
        after = counters(starforge.url, deadline=timedelta(milliseconds=200))
    assert not after.settled
    assert not written_between(before, after).exact


def test_a_server_that_is_not_there_is_said_so() -> None:
    with pytest.raises(Unreachable, match=r"cannot connect to 127\.0\.0\.1:1/x"):
        diagnostics("postgresql://postgres@127.0.0.1:1/x")
