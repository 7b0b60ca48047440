"""The accident of the rehearsal: a destructive migration, with the point just before it on record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

RESTORE_POINT = "before-the-migration"
"""Name of the restore point that is set just before it."""

# hero_snapshots first: the application takes its locks in this order too, so nobody waits in a ring.
_LOCK = "LOCK TABLE hero_snapshots, users, user_troops IN ACCESS EXCLUSIVE MODE"
# Here writes have ended or wait for us: whichever measure is the target, the same rows come back.
_BEFORE = "SELECT clock_timestamp(), pg_create_restore_point(%s)::text, pg_current_xact_id()::text"
# It breaks no request: the application goes on over lost data, and nobody notices at once.
_MIGRATION = """
ALTER TABLE users DROP COLUMN name;
DELETE FROM hero_snapshots WHERE processed_at IS NOT NULL;
TRUNCATE user_troops;
"""


@dataclass(frozen=True)
class Accident:
    """When it happened, in every measure that recovery knows."""

    time: datetime
    """UTC, by the server's clock, just before it, all earlier writes committed: the target for ``time``."""
    lsn: str
    """End of the restore point's WAL record, just before it: the target for ``lsn``."""
    xid: str
    """Its own transaction: a target that must not be inclusive."""
    restore_point: str
    lsn_after: str
    """WAL insert position just after its commit."""


def destroy(superuser_url: str) -> Accident:
    """Note where it stands, set the restore point, and destroy, all in one transaction.

    LockNotAvailable (psycopg) where the application holds its tables for more than 10 s.
    """
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '10s'")
        with connection.transaction():
            connection.execute(_LOCK)
            time, lsn, xid = _row(connection.execute(_BEFORE, [RESTORE_POINT]))
            connection.execute(_MIGRATION)
        (after,) = _row(connection.execute("SELECT pg_current_wal_insert_lsn()::text"))
    return Accident(time.astimezone(UTC), lsn, xid, RESTORE_POINT, after)


def _row(cursor: psycopg.Cursor[tuple[Any, ...]]) -> tuple[Any, ...]:
    (row,) = cursor.fetchall()
    return row
