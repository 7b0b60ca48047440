"""What a server says of its place in its cluster: primary or standby, how far it is, what hangs on it.

Reads only, over one connection (PostgreSQL manual, "Recovery Information Functions", "pg_stat_wal_receiver").
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from archive import sessions
from archive.lsn import parse_lsn
from problem import Problem

Connection = psycopg.Connection[Any]

CONNECT_SECONDS = 5
_OPTIONS: dict[str, str | int] = {
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "reforge",
    "tcp_user_timeout": CONNECT_SECONDS * 1000,
}

_STANDING = """
    SELECT (pg_control_system()).system_identifier::text AS system_identifier,
           current_setting('server_version_num')::int / 10000 AS major,
           pg_is_in_recovery() AS in_recovery,
           CASE WHEN pg_is_in_recovery()
                THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver),
                              (pg_control_checkpoint()).timeline_id)
                ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int
           END AS timeline,
           CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_flush_lsn()::text END AS flushed,
           pg_last_wal_receive_lsn()::text AS received,
           pg_last_wal_replay_lsn()::text AS replayed,
           pg_last_xact_replay_timestamp() AS replayed_at,
           CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END AS paused,
           (SELECT setting::int FROM pg_settings WHERE name = 'recovery_min_apply_delay') AS delay_ms,
           EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming') AS receiving,
           pg_snapshot_xmax(pg_current_snapshot())::text AS next_xid"""
_DEPENDENTS = """
    SELECT ARRAY(SELECT coalesce(nullif(application_name, ''), 'unnamed') || ' from '
                        || coalesce(host(client_addr), 'a socket')
                 FROM pg_stat_replication ORDER BY 1) AS standbys,
           ARRAY(SELECT slot_name::text FROM pg_replication_slots WHERE active ORDER BY 1) AS slots_in_use,
           ARRAY(SELECT slot_name::text FROM pg_replication_slots WHERE NOT active ORDER BY 1) AS slots_idle,
           ARRAY(SELECT slot_name::text FROM pg_replication_slots WHERE slot_type = 'logical' ORDER BY 1)
               AS logical_slots,
           ARRAY(SELECT subname::text FROM pg_subscription WHERE subenabled ORDER BY 1) AS subscriptions,
           current_setting('archive_mode') AS archive_mode,
           coalesce(current_setting('restore_command', true), '') AS restore_command,
           current_setting('shared_preload_libraries') AS preloaded,
           CASE WHEN current_setting('synchronous_commit') NOT IN ('off', 'local')
                THEN current_setting('synchronous_standby_names') ELSE '' END AS awaited"""


@dataclass(frozen=True)
class Standing:
    """Where a server stands; LSNs as PostgreSQL writes them."""

    system_identifier: str
    major: int
    in_recovery: bool
    timeline: int
    flushed: str | None
    """What a primary has on disk; None on a standby."""
    received: str | None
    """What was streamed to a standby and is on its disk; None where it reads an archive only."""
    replayed: str | None
    replayed_at: datetime | None
    """Commit time of the last transaction that was replayed."""
    paused: bool
    delay_ms: int
    """``recovery_min_apply_delay``."""
    receiving: bool
    next_xid: str
    """The transaction id that comes next: equal on two servers between which nothing was written."""

    @property
    def last(self) -> str | None:
        """The last position that a standby will have replayed without its primary."""
        known = [lsn for lsn in (self.received, self.replayed) if lsn]
        return max(known, key=parse_lsn, default=None)

    def behind(self, position: str | None) -> int | None:
        """Bytes of WAL between what is replayed here and a position of the primary; None where unknown."""
        if position is None or self.replayed is None:
            return None
        return max(0, parse_lsn(position) - parse_lsn(self.replayed))

    def seconds_behind(self, position: str | None) -> float | None:
        """Age of the last replayed commit; 0 where all of ``position`` is replayed, None where unknown."""
        if self.behind(position) == 0:
            return 0.0
        return (datetime.now(UTC) - self.replayed_at).total_seconds() if self.replayed_at else None


@dataclass(frozen=True)
class Dependents:
    """What else hangs on a server, and what would begin to work there once it is a primary."""

    standbys: list[str]
    slots_in_use: list[str]
    slots_idle: list[str]
    logical_slots: list[str]
    subscriptions: list[str]
    archive_mode: str
    restore_command: str
    preloaded: str
    awaited: str
    """``synchronous_standby_names``; empty where commits wait for no standby whatever it says."""

    @property
    def waits_for_nobody(self) -> bool:
        """Whether commits of a primary would wait, and none of the standbys seen may be one to wait for."""
        names = {standby.partition(" from ")[0] for standby in self.standbys}
        fits = (name in self.awaited or "*" in self.awaited or name == "unnamed" for name in names)
        return bool(self.awaited) and not any(fits)


def connect(url: str, who: str, **options: str | int) -> Connection:
    """A connection in autocommit, with more of libpq's ``options``; ``who`` is the server in words.

    Problem ``server-unanswering`` where there is none, without the password that the URL may hold.
    """
    wanted: dict[str, Any] = _OPTIONS | options
    try:
        own = f"{conninfo_to_dict(url).get('options') or ''} {options.get('options', '')}".strip()
        wanted["options"] = sessions.options(own)
        return psycopg.connect(make_conninfo(url, **wanted), autocommit=True)
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split()).removeprefix("connection failed: ")
        what = f"{who} ({place(url)}) does not answer: {reason}"
        raise Problem("server-unanswering", what, "Start it, or correct its URL in the config.") from None


def place(url: str) -> str:
    """host:port of a URL, for messages."""
    known = conninfo_to_dict(url)
    return f"{known.get('host') or known.get('hostaddr') or 'localhost'}:{known.get('port') or 5432}"


def standing(connection: Connection) -> Standing:
    """Where the server stands now."""
    return Standing(**_row(connection, _STANDING))


def dependents(connection: Connection) -> Dependents:
    """What hangs on the server now; a role without pg_monitor sees less."""
    return Dependents(**_row(connection, _DEPENDENTS))


def _row(connection: Connection, query: str) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode()).fetchone() or {}


@contextmanager
def mapped(doing: str) -> Iterator[None]:
    """Turns PostgreSQL's errors of the block into Problem ``server-refused``: ``doing`` is what failed."""
    try:
        yield
    except psycopg.Error as error:
        why = " ".join(str(error.diag.message_primary or error).split()) or type(error).__name__
        what, cure = f"{doing} failed: {why}", "Look at that server, then run the same command again."
        raise Problem("server-refused", what, cure) from error
