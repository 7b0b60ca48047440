"""The original during a promotion: a flush message is written to it, and the fence where it was asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import sql

from archive.standing import Connection, Dependents, Standing, connect, dependents, place, standing
from dbrestore.replica.inputs import Parties
from problem import Problem

FENCE_SECONDS = 5.0
_SETTING = "default_transaction_read_only"
# Our message must neither wait for a standby that is gone nor be stopped by the fence.
_FLUSHING = "-c synchronous_commit=local -c default_transaction_read_only=off -c statement_timeout=5000"


class Original:
    """Connections to the original; ``open`` first. One that does not answer is ``alive`` no more."""

    def __init__(self, parties: Parties) -> None:
        self._parties = parties
        self._application: Connection | None = None
        self._admin: Connection | None = None

    def open(self) -> None:
        """Connect, unless connected. An original that does not answer is no error, a wrong admin URL is."""
        if self._application is not None:
            return
        with suppress(Problem):
            self._application = connect(self._parties.source_url, "the original", options=_FLUSHING)
        if self.alive and self._parties.admin_url:
            self._admin = connect(self._parties.admin_url, "the original (admin-url)")

    def close(self) -> None:
        for connection in (self._application, self._admin):
            if connection is not None:
                connection.close()

    @property
    def alive(self) -> bool:
        return self._application is not None

    def standing(self) -> Standing | None:
        """Where it stands; None where it does not answer."""
        return standing(self._application) if self._application is not None else None

    def dependents(self) -> Dependents | None:
        """What hangs on it, as far as we may see."""
        seeing = self._admin or self._application
        return dependents(seeing) if seeing is not None else None

    def unlogged(self) -> list[str]:
        """Unlogged tables of the database: a standby has them empty."""
        query = "SELECT oid::regclass::text FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r'"
        return [str(name) for (name,) in self._application.execute(query)] if self._application else []

    def writers(self) -> list[str]:
        """Sessions that have written in a transaction which is still open."""
        query = (
            "SELECT coalesce(nullif(application_name, ''), 'unnamed') FROM pg_stat_activity "
            "WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
        )
        return [str(name) for (name,) in self._application.execute(query)] if self._application else []

    def flush(self) -> str:
        """Make everything that was committed so far durable, and give the position that holds it all."""
        application = self._connected()
        application.execute("SELECT pg_logical_emit_message(true, 'reforge', 'promotion')")
        row = application.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
        return str(row[0]) if row else ""

    def fence_before(self) -> str | None:
        """What ALTER SYSTEM has said of read-only transactions so far; None where it has said nothing."""
        query = (
            "SELECT setting FROM pg_file_settings WHERE name = 'default_transaction_read_only' "
            "AND sourcefile LIKE '%%postgresql.auto.conf' ORDER BY seqno DESC LIMIT 1"
        )
        row = self._superuser().execute(query, ()).fetchone()
        return str(row[0]) if row else None

    def fence(self) -> None:
        """Every new transaction is read-only, and every other session ends; returns when that is so."""
        self._set("on", lambda value: value == "on")
        deadline = time.monotonic() + FENCE_SECONDS
        while left := self._others():
            if time.monotonic() > deadline:
                what = f"{len(left)} sessions of the original do not end: pids {', '.join(map(str, left))}."
                raise Problem("fence-failed", what, "End them, then run the same command again.")
            self._superuser().execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) pid", (left,))
            time.sleep(0.001)

    def lift(self, before: str | None) -> None:
        """Undo ``fence``: what ALTER SYSTEM had said before is so again."""
        self._set(before, lambda value: before == "on" or value != "on")

    def _set(self, value: str | None, reached: Callable[[Any], bool]) -> None:
        setting = sql.Identifier(_SETTING)
        if value is None:
            statement = sql.SQL("ALTER SYSTEM RESET {}").format(setting)
        else:
            statement = sql.SQL("ALTER SYSTEM SET {} = {}").format(setting, sql.Literal(value))
        try:
            self._superuser().execute(statement)
            self._superuser().execute("SELECT pg_reload_conf()")
        except psycopg.Error as error:
            raise self._unfenced(error) from error
        self._await_reload(reached)

    def _await_reload(self, reached: Callable[[Any], bool]) -> None:
        """The postmaster reads its settings before its sessions do: once ours knows, every new one does."""
        deadline = time.monotonic() + FENCE_SECONDS
        while time.monotonic() < deadline:
            row = self._superuser().execute(f"SHOW {_SETTING}".encode()).fetchone()
            if row and reached(row[0]):
                return
            time.sleep(0.001)
        what = f"The original does not take {_SETTING} over."
        cure = "Look into its log, and whether the role of `source.admin-url` has a setting of its own."
        raise Problem("fence-failed", what, f"{cure} Then run the same command again.")

    def _others(self) -> list[int]:
        mine = [one.info.backend_pid for one in (self._application, self._admin) if one is not None]
        query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND NOT pid = ANY(%s)"
        return [pid for (pid,) in self._superuser().execute(query, (mine,))]

    def _superuser(self) -> Connection:
        if self._admin is None:
            what = "The original cannot be fenced: it does not answer, or `source.admin-url` is not given."
            raise Problem("fence-failed", what, "Give it, or take `fence` away.")
        return self._admin

    def _connected(self) -> Connection:
        if self._application is None:
            raise Problem("server-unanswering", "The original does not answer.", "Look at its server.")
        return self._application

    def _unfenced(self, error: psycopg.Error) -> Problem:
        what = f"The original ({place(str(self._parties.admin_url))}) cannot be fenced: {error}".strip()
        return Problem("fence-failed", what, "`source.admin-url` must be of a superuser.")
