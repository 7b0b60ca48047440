"""A fingerprint of a database's content: equal for equal rows in any order on disk, different for any change.

Each table's is the sum of hash_record_extended() over its rows, with its columns and their types. Nothing in
it depends on an OID, so that a restored copy, physical or logical, has the fingerprint of its original.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from psycopg import sql

from problem import Misuse
from validation.connections import Connection, connect, mapped

_TIMEOUT = timedelta(hours=6)  # one table's
_CONNECTIONS = 2
# so that casts to text are the same everywhere
_SETTINGS = {
    "search_path": "pg_catalog",
    "extra_float_digits": "1",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "row_security": "off",  # an error rather than rows left out
}
# Types whose own hash tells every two values apart. All others are hashed as text: json and xml have no hash,
# an enum's uses its OID, and numeric, jsonb and interval have one hash for 1.0 and 1.00, 1 day and 24 hours.
_HASHED_AS_THEY_ARE = {
    "bool", "int2", "int4", "int8", "oid", "uuid", "bytea", "date", "time", "timestamp", "timestamptz",
    "pg_lsn", "macaddr", "macaddr8",
}  # fmt: skip
_TEXTS = {"text", "varchar", "name"}
_SENT = {
    "float4": "float4send",
    "float8": "float8send",
    "interval": "interval_send",
}  # -0 and 0 differ in bytes
_LISTED = """
    SELECT n.nspname, c.relname, c.oid, c.relpersistence = 'u',
           ARRAY(SELECT ARRAY[a.attname::text, t.typname::text, format_type(a.atttypid, a.atttypmod)]
                 FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't'
          AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY pg_relation_size(c.oid) DESC"""


@dataclass(frozen=True)
class TableFingerprint:
    """The number of rows, and a hash of columns and rows in hexadecimal."""

    rows: int
    hash: str


@dataclass(frozen=True)
class Fingerprint:
    """Tables by dotted name; ``sequences`` (last values) only when asked for, and no part of the total."""

    tables: Mapping[str, TableFingerprint]
    sequences: Mapping[str, int | None] | None = None
    left_out: tuple[str, ...] = ()  # unlogged tables: a restore brings them back empty

    @cached_property
    def total(self) -> str:
        """``sha256:...`` over all tables."""
        tables = {name: asdict(table) for name, table in self.tables.items()}
        return "sha256:" + hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())

    def document(self) -> dict[str, Any]:
        """In JSON's types."""
        return {"total": self.total, **asdict(self), "left_out": list(self.left_out)}


@dataclass(frozen=True)
class _Table:
    name: str
    relation: sql.Composable
    columns: tuple[tuple[str, str, str], ...]  # name, type, type with its modifier
    unlogged: bool


def fingerprint(url: str, tables: Iterable[str] | None = None, *, sequences: bool = False) -> Fingerprint:
    """The fingerprint of ``tables`` ("users", "public.users"), or of all, in one snapshot.

    Raises Unreachable, Problem("query-failed") and Misuse("table-unknown").
    """
    with mapped(url, "the fingerprint"), _connect(url) as first:
        listed = _listed(first)
        chosen = (
            _chosen(listed, list(tables)) if tables is not None else [t for t in listed if not t.unlogged]
        )
        snapshot = first.execute("SELECT pg_export_snapshot()").fetchone()
        assert snapshot is not None  # noqa: S101 - a SELECT without FROM has a row
        found = _hashed(url, first, str(snapshot[0]), chosen)
        return Fingerprint(
            dict(sorted(found.items())),
            _sequences(first) if sequences else None,
            tuple(sorted(table.name for table in listed if table.unlogged and table not in chosen)),
        )


def differences(before: Fingerprint, after: Fingerprint) -> list[str]:
    """What is not the same, one line for each table; [] when the content is equal."""
    lines = []
    for name in sorted({*before.tables, *after.tables}):
        old, new = before.tables.get(name), after.tables.get(name)
        if old is None or new is None:
            lines.append(f"{name}: {'only in the second' if old is None else 'only in the first'}")
        elif old != new:
            rows = f"{old.rows} rows, then {new.rows}" if old.rows != new.rows else f"{old.rows} rows in both"
            lines.append(f"{name}: {rows}; their content differs")
    return lines


def _connect(url: str) -> Connection:
    return connect(url, statement_timeout=_TIMEOUT, settings=_SETTINGS)


def _listed(connection: Connection) -> list[_Table]:
    """All tables with rows of their own, the largest first."""
    return [
        _Table(f"{schema}.{name}", sql.Identifier(schema, name), tuple(map(tuple, columns)), unlogged)
        for schema, name, _, unlogged, columns in connection.execute(_LISTED)
    ]


def _chosen(listed: Sequence[_Table], names: list[str]) -> list[_Table]:
    by_name = {table.name: table for table in listed}
    wanted = [name if "." in name else f"public.{name}" for name in names]
    if unknown := [name for name in wanted if name not in by_name]:
        raise Misuse(
            "table-unknown",
            f"there is no table {', '.join(unknown)} to take a fingerprint of",
            f"Tables: {', '.join(sorted(by_name)) or 'none'}.",
        )
    return [by_name[name] for name in dict.fromkeys(wanted)]


def _hashed(
    url: str, first: Connection, snapshot: str, tables: Sequence[_Table]
) -> dict[str, TableFingerprint]:
    """Each table's fingerprint. Both connections take the next largest table that is left."""
    queue = list(reversed(tables))

    def work(connection: Connection) -> dict[str, TableFingerprint]:
        done = {}
        while queue:
            try:
                table = queue.pop()  # atomic: both threads share the list
            except IndexError:
                break
            done[table.name] = _of(connection, table)
        return done

    def join() -> dict[str, TableFingerprint]:
        if len(tables) < _CONNECTIONS:
            return {}
        with _connect(url) as second:
            second.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
            return work(second)

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(join)
        return {**work(first), **other.result()}


def _of(connection: Connection, table: _Table) -> TableFingerprint:
    values = sql.SQL(", ").join(_hashable(name, kind) for name, kind, _ in table.columns)
    row = connection.execute(
        sql.SQL("SELECT count(*), coalesce(sum(hash_record_extended(ROW({}), 0)), 0) FROM ONLY {}").format(
            values, table.relation
        )
    ).fetchone()
    rows, total = row or (0, 0)
    columns = [(name, kind) for name, _, kind in table.columns]
    text = json.dumps([columns, rows, str(total)])
    return TableFingerprint(int(rows), hashlib.sha256(text.encode()).hexdigest()[:32])


def _hashable(name: str, kind: str) -> sql.Composable:
    column = sql.Identifier(name)
    if kind in _HASHED_AS_THEY_ARE:
        return column
    if kind in _SENT:
        return sql.SQL("{}({})").format(sql.Identifier(_SENT[kind]), column)
    if kind == "numeric":  # 1.0 and 1.00 are equal and hash alike: the scale tells them apart
        return sql.SQL("{0}, scale({0})").format(column)
    # the collation "C" tells apart what a case-insensitive one does not
    cast = sql.SQL("") if kind in _TEXTS else sql.SQL("::text")
    return sql.SQL('{}{} COLLATE "C"').format(column, cast)


def _sequences(connection: Connection) -> dict[str, int | None]:
    rows = connection.execute(
        "SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences ORDER BY 1"
    )
    return dict(rows.fetchall())
