"""Is what must be unique unique, in the rows and not only in the index?"""

from __future__ import annotations

from psycopg import sql
from pydantic import Field

from validation import catalog
from validation.check import Check, Result, judged
from validation.connections import Connection
from validation.context import Context
from validation.values import Columns, TableName, columns_list, identifier

_SAMPLE = 3  # duplicates named in a complaint


class Unique(Check):
    """``- unique: {columns: {user_troops: [user_id, troop_id]}}``.

    Alone (``- unique``), or with ``declared: true`` beside columns, it proves every unique index by the
    rows: after a move to another C library a text index can be wrong and claim a uniqueness that is not.
    """

    columns: dict[TableName, Columns] = Field(default_factory=dict)
    declared: bool = False

    def run(self, context: Context) -> Result:
        # an index that is wrong would vouch for itself
        context.database.execute(
            "SELECT set_config(name, 'off', true) FROM pg_settings WHERE name IN "
            "('enable_indexscan', 'enable_indexonlyscan', 'enable_bitmapscan')"
        )
        complaints = [_duplicates(context.database, table, c) for table, c in self.columns.items()]
        keys = catalog.unique_keys(context.database) if self.declared or not self.columns else []
        complaints += [
            _duplicates(context.database, key.table, list(key.columns), index=key.name) for key in keys
        ]
        proven = [f"{table}({', '.join(columns)})" for table, columns in self.columns.items()]
        proven += [f"{key.table}({', '.join(key.columns)})" for key in keys]
        return judged(f"{len(proven)} keys proven by their rows", complaints, {"keys": proven})


def _duplicates(connection: Connection, table: str, columns: list[str], index: str = "") -> str | None:
    """What is doubled. An index allows many rows with nulls; a key that the suite names does not."""
    filled = sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(sql.Identifier(c)) for c in columns)
    query = sql.SQL(
        "SELECT count(*), (array_agg(value))[1:{sample}] FROM (SELECT concat_ws(', ', {columns}) AS value "
        "FROM {table} WHERE {filled} GROUP BY {columns} HAVING count(*) > 1) AS doubled"
    ).format(
        sample=sql.Literal(_SAMPLE),
        columns=columns_list(columns),
        table=identifier(table),
        filled=filled if index else sql.SQL("true"),
    )
    number, sample = connection.execute(query).fetchone() or (0, None)
    if not number:
        return None
    of = f" in spite of the index {index}" if index else ""
    key = f"({', '.join(columns)})"
    return f"{number} values of {key} are there more than once in {table}{of}: {'; '.join(sample)}"
