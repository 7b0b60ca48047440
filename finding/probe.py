"""A question to a throw-away restore: one read-only statement whose one value is true or false."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import errors, sql

from dbrestore.postgres.cluster import Cluster
from problem import Misuse, Problem

_GONE = (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction, errors.InvalidSchemaName)
"""What a question fails with once the thing it asks about was dropped."""
_READ_ONLY = "default_transaction_read_only = on"
_LOCK_WAIT = "100ms"
"""Nothing but replay takes locks there; one that is held stays until replay goes on."""


@dataclass(frozen=True)
class Probe:
    """SQL of one statement, asked as the superuser; a standby lets nobody write."""

    statement: str
    database: str

    def ask(self, cluster: Cluster, first: bool = False) -> bool | None:
        """The answer; None where replay holds a lock on what is asked about.

        Where a table or a column is not there the answer is false, but to the ``first`` question it is a
        Problem ``probe-failed``. Misuse ``probe-writes`` and ``probe-no-answer`` for what is no question.
        """
        if not self._exists(cluster):
            if first:
                raise _failed(f"there is no database {self.database}")
            return False
        with cluster.connect(self.database) as connection:
            try:
                return self._asked(connection)
            except errors.LockNotAvailable:
                return None
            except _GONE as gone:
                if first:
                    raise _failed(_words(gone)) from gone
                return False
            except errors.ReadOnlySqlTransaction as writes:
                what = f"The probe would write: {_words(writes)}"
                raise Misuse(
                    "probe-writes", what, "Give a SELECT of one value that is true or false."
                ) from writes
            except (psycopg.DataError, psycopg.ProgrammingError, psycopg.NotSupportedError) as error:
                raise _failed(_words(error)) from error

    def _asked(self, connection: psycopg.Connection[Any]) -> bool:
        # The original's databases and roles may have settings of their own, which came along.
        for setting in (f"lock_timeout = '{_LOCK_WAIT}'", "statement_timeout = 0", _READ_ONLY):
            connection.execute(f"SET {setting}".encode())
        # Prepared, because the server refuses more than one statement then.
        rows = connection.execute(self.statement.encode(), prepare=True)
        return _truth(rows.fetchmany(2) if rows.description else [], self.statement)

    def tables(self, cluster: Cluster) -> list[tuple[str, str]]:
        """Schemas and names of the tables that the question's plan reads; [] where there is no plan."""
        if not self._exists(cluster):
            return []
        with cluster.connect(self.database) as connection:
            try:
                plan = connection.execute(
                    f"EXPLAIN (FORMAT JSON, VERBOSE) {self.statement}".encode(), prepare=True
                ).fetchone()
            except psycopg.ProgrammingError:
                return []
        return sorted({(node["Schema"], node["Relation Name"]) for node in _nodes(plan and plan[0])})

    def _exists(self, cluster: Cluster) -> bool:
        with cluster.connect() as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [self.database])
            return found.rowcount == 1


def existence(schema: str, name: str) -> str:
    """The question whether a table is there."""
    quoted = sql.Literal(sql.Identifier(schema, name).as_string(None))
    return sql.SQL("SELECT to_regclass({}) IS NOT NULL").format(quoted).as_string(None)


def any_rows(schema: str, name: str) -> str:
    """The question whether a table holds rows."""
    return sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(schema, name)).as_string(None)


def _truth(rows: list[tuple[Any, ...]], statement: str) -> bool:
    if len(rows) != 1 or len(rows[0]) != 1 or not isinstance(rows[0][0], bool | int | float | Decimal | None):
        what = f"The probe gives no single value that is true or false: {statement}"
        raise Misuse("probe-no-answer", what, 'Ask for one, such as "SELECT count(*) > 0 FROM accounts".')
    return bool(rows[0][0])


def _failed(words: str) -> Problem:
    what = f"The probe fails where the search begins: {words}"
    return Misuse("probe-failed", what, "Correct it, or begin where it works: --after TIME")


def _words(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error)


def _nodes(plan: Any) -> Iterator[dict[str, Any]]:
    """Every node of an EXPLAIN document that reads a table."""
    if isinstance(plan, list):
        for one in plan:
            yield from _nodes(one)
    elif isinstance(plan, dict):
        if "Relation Name" in plan:
            yield plan
        for value in plan.values():
            yield from _nodes(value) if isinstance(value, list | dict) else ()
