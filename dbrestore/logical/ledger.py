"""What of a load in steps is done, noted in the target by the transactions that do it.

A table and its note are committed together, so that neither a kill nor two loaders at once bring a row twice
or pass one over. The notes are a schema of ours that stays until the load is taken down as done.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import psycopg

from dbrestore.logical.entries import Entry
from dbrestore.logical.target import Target
from problem import Problem, Refusal

SCHEMA = "reforge_load"
"""Statements have the name written out: none of them is put together."""
END_SECONDS = 30.0
_MAKE = """
    CREATE SCHEMA reforge_load;
    CREATE TABLE reforge_load.load (identity text NOT NULL, before jsonb NOT NULL);
    CREATE TABLE reforge_load.steps (name text PRIMARY KEY, facts jsonb NOT NULL);
    CREATE TABLE reforge_load.tables (entry integer PRIMARY KEY, rows bigint NOT NULL);
"""
_OTHERS = """
    SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = %s AND pid <> pg_backend_pid()
"""


class Ledger:
    """The notes of one load, known by its ``identity``, in one target."""

    def __init__(self, target: Target, identity: str) -> None:
        self._target, self._identity = target, identity

    def there(self) -> bool:
        """Whether a load is under way. Refusal ``another-load`` where it is one of something else."""
        if not self._target.rows("SELECT FROM pg_namespace WHERE nspname = 'reforge_load'"):
            return False
        [[found]] = self._target.rows("SELECT identity FROM reforge_load.load")
        if found != self._identity:
            what = f"Database {self._target.name} holds half a load of something else (schema {SCHEMA})."
            raise Refusal("another-load", what, "Let that finish, or make the database anew, and run again.")
        return True

    def open(self, before: Mapping[str, Any]) -> None:
        """Begin the notes; ``before`` is what the database had then."""
        with self._target.connect() as connection, connection.transaction():
            connection.execute(_MAKE)
            row = (self._identity, json.dumps(before))
            connection.execute("INSERT INTO reforge_load.load VALUES (%s, %s)", row)

    @property
    def before(self) -> Mapping[str, Any]:
        [[found]] = self._target.rows("SELECT before FROM reforge_load.load")
        return dict(found)

    def alone(self, step: str) -> None:
        """End what a killed predecessor's sessions still do in the server, before its work is begun anew.

        Problem ``load-still-running`` where they do not end.
        """
        deadline = time.monotonic() + END_SECONDS
        with self._target.connect() as connection:
            while found := connection.execute(_OTHERS, [self._target.application]).fetchall():
                if time.monotonic() > deadline:
                    what = f"Of an earlier try of {step}, {len(found)} sessions do not end."
                    cure = "End them: SELECT pg_terminate_backend(PID); then run the same command again."
                    raise Problem("load-still-running", what, cure)
                time.sleep(0.1)

    def facts(self, step: str) -> Mapping[str, Any] | None:
        """What a finished step left; None where it is not finished."""
        with self._target.connect() as connection:
            text = "SELECT facts FROM reforge_load.steps WHERE name = %s"
            found = connection.execute(text, [step]).fetchone()
        return dict(found[0]) if found else None

    def finish(self, step: str, facts: Mapping[str, Any]) -> None:
        with self._target.connect() as connection:
            text = "INSERT INTO reforge_load.steps VALUES (%s, %s) ON CONFLICT DO NOTHING"
            connection.execute(text, [step, json.dumps(facts)])

    def loaded(self) -> dict[int, int]:
        """Rows of each table that is loaded, by its entry's number."""
        return {int(row[0]): int(row[1]) for row in self._target.rows("SELECT * FROM reforge_load.tables")}


def forget(target: Target) -> None:
    """Drop the notes of a load that is done. Gone already is fine."""
    with target.connect() as connection:
        connection.execute("SET client_min_messages = error; DROP SCHEMA IF EXISTS reforge_load CASCADE")


def claim(connection: psycopg.Connection[Any], entry: Entry) -> bool:
    """Take a table into the transaction at work; False where another has loaded it.

    Waits for another that is at it now: whether that commits or dies decides.
    """
    text = "INSERT INTO reforge_load.tables VALUES (%s, 0) ON CONFLICT DO NOTHING"
    return connection.execute(text, [entry.number]).rowcount == 1


def count(connection: psycopg.Connection[Any], entry: Entry, rows: int) -> None:
    """Note, before the commit, how many rows the claimed table got."""
    text = "UPDATE reforge_load.tables SET rows = %s WHERE entry = %s"
    connection.execute(text, [rows, entry.number])
