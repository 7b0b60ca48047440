"""What a server is doing: diagnostics for the record of an incident, and rows written between two moments."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.rows import dict_row

from validation.connections import Connection, connect, mapped

_SHOWN = 200  # characters of a query
_LITERAL = re.compile(r"'(?:[^']|'')*(?:'|$)|\$(\w*)\$.*?(?:\$\1\$|$)|\b\d[\w.]*", re.DOTALL)
# As long as an idle backend keeps its counts to itself (PGSTAT_IDLE_INTERVAL in pgstat.c), and a little.
_FLUSHED_AFTER = timedelta(seconds=10.5)
_POLL = 0.1  # seconds

_SESSIONS = """
    SELECT pid, usename AS user, datname AS database, application_name AS application,
           host(client_addr) AS client, state, backend_xid IS NOT NULL AS writing,
           extract(epoch FROM clock_timestamp() - coalesce(query_start, backend_start))::float8 AS seconds,
           query
    FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
    ORDER BY seconds DESC NULLS LAST LIMIT 50"""
_SERVER = """
    SELECT current_setting('server_version') AS version, pg_is_in_recovery() AS in_recovery,
           CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text
               AS wal_position,
           last_archived_wal, last_archived_time, last_failed_wal, last_failed_time
    FROM pg_stat_archiver"""
_SIZES = """
    SELECT datname, CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) END
    FROM pg_database WHERE datallowconn ORDER BY datname"""


@dataclass(frozen=True)
class Session:
    """A client of the server; ``seconds`` since its last query began, ``query`` short and without values."""

    pid: int
    user: str | None
    database: str | None
    application: str
    client: str | None
    state: str | None
    writing: bool  # it has written in the transaction that it is in
    seconds: float
    query: str


@dataclass(frozen=True)
class Diagnostics:
    """The state of a server at one moment; ``sizes`` in bytes by database, None where we may not look."""

    taken_at: datetime
    version: str
    in_recovery: bool
    wal_position: str | None
    last_archived_wal: str | None
    last_archived_time: datetime | None
    last_failed_wal: str | None
    last_failed_time: datetime | None
    sizes: Mapping[str, int | None]
    sessions: tuple[Session, ...]

    def document(self) -> dict[str, Any]:
        """In JSON's types."""
        found = asdict(self)
        times = {key: value.isoformat() for key, value in found.items() if isinstance(value, datetime)}
        return {**found, **times, "sessions": list(found["sessions"])}


@dataclass(frozen=True)
class Written:
    """Rows inserted, updated and deleted; those of rolled-back transactions count as well."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def total(self) -> int:
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True)
class Counters:
    """A database's counts of writes by table. ``settled``: no session can still hold counts back."""

    tables: Mapping[str, Written]
    settled: bool
    reset_at: datetime | None


@dataclass(frozen=True)
class Difference:
    """What was written between two counters, by table; not ``exact``: at least that much."""

    tables: Mapping[str, Written]
    exact: bool


def diagnostics(url: str) -> Diagnostics:
    """What the runbook wants captured before a restore. Raises Unreachable or Problem("query-failed")."""
    with mapped(url, "reading its activity"), _connect(url) as connection:
        with connection.cursor(row_factory=dict_row) as cursor:
            server = cursor.execute(_SERVER).fetchone() or {}
        sizes: dict[str, int | None] = dict(connection.execute(_SIZES).fetchall())
        return Diagnostics(datetime.now(UTC), **server, sizes=sizes, sessions=_sessions(connection))


def writing_sessions(url: str) -> tuple[Session, ...]:
    """The clients of this database that have written in a transaction which is still open."""
    with mapped(url, "reading its sessions"), _connect(url) as connection:
        database = connection.info.dbname
        return tuple(s for s in _sessions(connection) if s.writing and s.database == database)


def counters(url: str, deadline: timedelta = timedelta(seconds=12)) -> Counters:
    """Rows written so far, by table, from pg_stat_user_tables.

    A session publishes its counts up to ten seconds after it has gone idle. So this waits until every other
    session of the database has been idle for that long, or has gone, or until the ``deadline``; it returns
    unsettled counters then, which are a lower bound.
    """
    end = time.monotonic() + deadline.total_seconds()
    with mapped(url, "reading its counters"), _connect(url) as connection:
        connection.autocommit = True  # a snapshot of the counts would not move
        while not (settled := _settled(connection)) and time.monotonic() < end:
            time.sleep(_POLL)
        return _counters(connection, settled)


def written_between(before: Counters, after: Counters) -> Difference:
    """Rows written between two readings of the same database, for tables where there were any.

    A reset of the counts in between (a crash makes one) leaves what was counted since.
    """
    was_reset = before.reset_at != after.reset_at
    found = {}
    for table, now in after.tables.items():
        then = before.tables.get(table, Written())
        if was_reset or any(n < t for n, t in zip(_numbers(now), _numbers(then), strict=True)):
            was_reset, then = True, Written()
        difference = Written(*(n - t for n, t in zip(_numbers(now), _numbers(then), strict=True)))
        if difference.total:
            found[table] = difference
    dropped = before.tables.keys() - after.tables.keys()
    return Difference(found, before.settled and after.settled and not was_reset and not dropped)


def _connect(url: str) -> Connection:
    return connect(url, statement_timeout=timedelta(seconds=30))


def _sessions(connection: Connection) -> tuple[Session, ...]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_SESSIONS).fetchall()
    return tuple(Session(**{**row, "query": _without_values(row["query"] or "")}) for row in rows)


def _without_values(query: str) -> str:
    """A query's text in one short line, with ? for every literal: they may be personal, or a password."""
    text = " ".join(_LITERAL.sub("?", query).split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _settled(connection: Connection) -> bool:
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND backend_type = 'client backend' "
        "AND (state IS DISTINCT FROM 'idle' OR state_change > clock_timestamp() - %s)",
        [_FLUSHED_AFTER],
    ).fetchone()
    return row is not None and row[0] == 0


def _counters(connection: Connection, settled: bool) -> Counters:
    rows = connection.execute(
        "SELECT schemaname || '.' || relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables"
    )
    tables = {name: Written(*numbers) for name, *numbers in rows}
    reset = connection.execute(
        "SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()"
    ).fetchone()
    return Counters(dict(sorted(tables.items())), settled, reset[0] if reset else None)


def _numbers(written: Written) -> tuple[int, int, int]:
    return written.inserted, written.updated, written.deleted
