"""Commit records that lie across the border of two segments, where each segment alone does not show them."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from archive.lsn import parse_lsn
from archive.targets import Target
from tests.functional.archive.conftest import World
from tests.support.servers import Postgres, scratch

SEGMENT = 16 * 1024 * 1024
COMMIT = 34
"""Bytes of the shortest commit record."""


def position(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
    assert row
    return parse_lsn(row[0])


def write(connection: psycopg.Connection, size: int) -> None:
    connection.execute("SELECT pg_logical_emit_message(true, '', repeat('x', %s))", [size])


def commit_across_a_border(connection: psycopg.Connection) -> tuple[str, int] | None:
    """Fill WAL to just before a segment's end and commit: (xid, position), None if it fell elsewhere."""
    connection.execute("BEGIN")
    row = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
    assert row
    write(connection, 100)
    before = position(connection)
    write(connection, 100)
    overhead = position(connection) - before - 100
    while (left := SEGMENT - position(connection) % SEGMENT) > 6000:
        write(connection, min(left - 5000, 1_000_000) * 99 // 100)
    write(connection, left - overhead - COMMIT // 2 - 8)
    begins = position(connection)
    connection.execute("COMMIT")
    return (row[0], begins) if begins // SEGMENT < (begins + COMMIT) // SEGMENT else None


def test_a_commit_across_the_border_of_two_segments_is_seen() -> None:
    with scratch() as folder:
        settings = {"track_commit_timestamp": "on", "autovacuum": "off"}
        with Postgres(folder / "source", archive=folder / "wal", settings=settings) as server:
            server.base_backup("only", folder / "base")
            server.execute("CREATE TABLE t (i int)")
            with psycopg.connect(server.url(), autocommit=True) as connection:
                # A background process may write between filling and committing: then the next border.
                tries = (commit_across_a_border(connection) for _ in range(5))
                found = next((one for one in tries if one), None)
                assert found is not None
                server.execute("SELECT pg_current_xact_id()")
                server.switch_wal()
                row = connection.execute("SELECT pg_xact_commit_timestamp(%s::xid)", [found[0]]).fetchone()
                assert row
        world = World(folder, {}, {})
        for target in (Target("xid", found[0]), Target("time", row[0].isoformat())):
            expected = world.prove(target).expected
            assert expected is not None
            assert (str(expected.xid), expected.time, expected.lsn) == (found[0], row[0], found[1])
        earlier = world.prove(Target("time", (row[0] - timedelta(microseconds=1)).isoformat()))
        assert earlier.expected is not None
        assert earlier.expected.lsn < found[1]
        assert earlier.needed[-1].start_lsn <= found[1] < earlier.needed[-1].end_lsn


@pytest.mark.parametrize("number", [2, 5])
def test_times_between_commits_give_the_earlier_one(world: World, number: int) -> None:
    between = world.rows[number].time + (world.rows[number + 1].time - world.rows[number].time) / 2
    expected = world.prove(Target("time", between.isoformat(), backup="first")).expected
    assert expected is not None
    assert expected.time == world.rows[number].time
