"""The SQL that a suite's author wrote: one statement at a time, with the values of an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from problem import Problem
from validation.connections import Connection

Row = dict[str, Any]


def rows_of(connection: Connection, statement: str, values: Mapping[str, Any] | None = None) -> list[Row]:
    """The rows of one statement by column name; [] when it gives none.

    ``%(id)s`` stands for ``values["id"]``; a statement without such a placeholder may use % as it likes.
    Several statements in one are refused: a COMMIT in front would leave the read-only transaction.
    """
    if not values or "%(" not in statement:
        values = None
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(statement.encode(), values, prepare=True)
        return cursor.fetchall() if cursor.description else []


def values_of(connection: Connection, statement: str) -> list[list[Any]]:
    """The rows of one statement as lists in JSON's types; columns may share a name."""
    cursor = connection.execute(statement.encode(), prepare=True)
    return [[plain(value) for value in row] for row in cursor.fetchall()] if cursor.description else []


def inserted(connection: Connection, statement: str) -> Row:
    """The row that an ``insert`` RETURNs; raises Problem when there is not exactly one."""
    rows = rows_of(connection, statement)
    if len(rows) != 1:
        raise Problem(
            "insert-without-id",
            f"`insert` returned {len(rows)} rows, and exactly one is needed",
            "Let it insert one row and end with RETURNING id.",
        )
    return rows[0]


def holds(connection: Connection, statement: str, values: Mapping[str, Any]) -> bool:
    """Whether the statement gives one row at least, and true (or something not null) in its first column."""
    rows = rows_of(connection, statement, values)
    first = next(iter(rows[0].values()), None) if rows else None
    return first is not None and first is not False


def clean(connection: Connection, statements: list[str], row: Row) -> None:
    """Runs every cleaning statement, also after one has failed; raises the first failure at the end."""
    failures: list[psycopg.Error] = []
    for statement in statements:
        try:
            rows_of(connection, statement, row)
        except psycopg.Error as error:
            failures.append(error)
    if failures:
        raise failures[0]


def plain(value: Any) -> Any:
    """A value of PostgreSQL in JSON's types, so that it can be compared with YAML and kept in a report."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, UUID) or not isinstance(value, (str, int, float, bool, type(None))):
        return str(value)
    return value
