"""What a server says of itself by SQL, as far as the role of its URL may hear it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg

_SETTINGS = (
    "data_directory",
    "archive_mode",
    "archive_command",
    "archive_library",
    "basic_archive.archive_directory",
    "restore_command",
    "port",
)
_ARCHIVER = (
    "SELECT last_archived_wal, last_archived_time, last_failed_wal, last_failed_time FROM pg_stat_archiver"
)
_STANDBYS = "SELECT application_name, host(client_addr), state, sync_state FROM pg_stat_replication"
_SECONDS = 5


@dataclass(frozen=True)
class Clues:
    """``settings``: only those that the role may see. ``error``: why nothing at all could be asked."""

    host: str
    port: int
    user: str
    database: str
    error: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    system_identifier: int | None = None
    in_recovery: bool = False
    archiver: Mapping[str, Any] = field(default_factory=dict)
    standbys: Sequence[Mapping[str, Any]] = ()

    @property
    def archives(self) -> bool:
        return self.settings.get("archive_mode", "off") != "off"


def ask(url: str) -> Clues:
    """Ask the server of a URL; one that does not answer is told by ``error``, without a password."""
    parts = urlsplit(url)
    known = Clues(
        parts.hostname or "localhost",
        parts.port or 5432,
        unquote(parts.username or "postgres"),
        unquote(parts.path.lstrip("/")) or "postgres",
    )
    try:
        with psycopg.connect(
            url, connect_timeout=_SECONDS, autocommit=True, options="-c default_transaction_read_only=on"
        ) as connection:
            return Clues(**{**vars(known), **_facts(connection)})
    except psycopg.Error as error:
        return Clues(**{**vars(known), "error": _reason(error, unquote(parts.password or ""))})


def _facts(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    settings = connection.execute(
        "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(_SETTINGS)]
    ).fetchall()
    row = connection.execute(
        "SELECT pg_is_in_recovery(), "
        "CASE WHEN has_function_privilege('pg_control_system()', 'EXECUTE') THEN "
        "(SELECT system_identifier FROM pg_control_system()) END"
    ).fetchone()
    return {
        "settings": dict(settings),
        "in_recovery": bool(row and row[0]),
        "system_identifier": row[1] if row else None,
        "archiver": _rows(connection, _ARCHIVER)[0],
        "standbys": _rows(connection, _STANDBYS),
    }


def _rows(connection: psycopg.Connection[Any], query: str) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute(query.encode()).fetchall()


def _reason(error: psycopg.Error, password: str) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[0] if lines else type(error).__name__
    if "startup parameter" in reason:
        return "the URL leads to a pooler; give that of PostgreSQL itself"
    return reason.replace(password, "***") if password else reason
