"""What a database declares about itself (PostgreSQL manual, chapter "System Catalogs")."""

from __future__ import annotations

from dataclasses import dataclass

from validation.connections import Connection
from validation.values import dotted, identifier

_USER_SCHEMA = r"n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"


@dataclass(frozen=True)
class ForeignKey:
    """Rows of ``table`` that point to rows of ``parent``; table names are dotted, columns in key order."""

    name: str
    table: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]


@dataclass(frozen=True)
class UniqueKey:
    """A primary key or unique index over plain columns and all rows."""

    name: str
    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class CheckConstraint:
    """A CHECK constraint; ``condition`` is SQL over the columns of ``table``."""

    name: str
    table: str
    condition: str


def missing_tables(connection: Connection, tables: list[str]) -> list[str]:
    """Those of ``tables`` that to_regclass does not know."""
    return [table for table in tables if not _exists(connection, table)]


def _exists(connection: Connection, table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s)", [identifier(table).as_string(connection)]).fetchone()
    return row is not None and row[0] is not None


def columns_of(connection: Connection, table: str) -> list[str]:
    """The column names of an existing table, in their order."""
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
        "ORDER BY attnum",
        [identifier(table).as_string(connection)],
    )
    return [name for (name,) in rows]


def foreign_keys(connection: Connection) -> list[ForeignKey]:
    """All foreign keys of the user's schemas, NOT VALID ones too; of partitioned tables the parent's only."""
    rows = connection.execute(f"""
        SELECT c.conname, n.nspname, r.relname, {_names("c.conrelid", "c.conkey")},
               pn.nspname, p.relname, {_names("c.confrelid", "c.confkey")}
        FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
             JOIN pg_namespace n ON n.oid = r.relnamespace
             JOIN pg_class p ON p.oid = c.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
        WHERE c.contype = 'f' AND c.conparentid = 0 AND {_USER_SCHEMA} ORDER BY 2, 3, 1""")  # noqa: S608 - our own constants
    return [
        ForeignKey(name, dotted(schema, table), tuple(ours), dotted(parent_schema, parent), tuple(theirs))
        for name, schema, table, ours, parent_schema, parent, theirs in rows
    ]


def unique_keys(connection: Connection) -> list[UniqueKey]:
    """All unique indexes of the user's schemas that cover every row and no expression."""
    rows = connection.execute(f"""
        SELECT x.relname, n.nspname, r.relname,
               {_names("i.indrelid", "(i.indkey::int2[])[0:i.indnkeyatts - 1]")}
        FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class r ON r.oid = i.indrelid
             JOIN pg_namespace n ON n.oid = r.relnamespace
        WHERE i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT r.relispartition
              AND {_USER_SCHEMA} ORDER BY 2, 3, 1""")  # noqa: S608 - our own constants
    return [UniqueKey(name, dotted(*table), tuple(columns)) for name, *table, columns in rows]


def unproven_checks(connection: Connection) -> list[CheckConstraint]:
    """CHECK constraints that are NOT VALID: PostgreSQL has never looked at the older rows."""
    rows = connection.execute(f"""
        SELECT c.conname, n.nspname, r.relname, pg_get_expr(c.conbin, c.conrelid)
        FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
             JOIN pg_namespace n ON n.oid = r.relnamespace
        WHERE c.contype = 'c' AND NOT c.convalidated AND {_USER_SCHEMA} ORDER BY 2, 3, 1""")  # noqa: S608 - our own constants
    return [CheckConstraint(name, dotted(*table), condition) for name, *table, condition in rows]


def _names(table: str, numbers: str) -> str:
    """SQL for the names of a table's columns, given by an array of their numbers, in its order."""
    return (  # numbers and table are our own SQL, never a user's
        f"ARRAY(SELECT a.attname::text FROM unnest({numbers}) WITH ORDINALITY AS k(number, place) "  # noqa: S608
        f"JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = k.number ORDER BY k.place)"
    )
