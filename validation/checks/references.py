"""Does every row that points to another one find it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from psycopg import sql
from pydantic import BeforeValidator, Field

from validation import catalog
from validation.catalog import ForeignKey
from validation.check import Check, Result, judged
from validation.connections import Connection
from validation.context import Context
from validation.values import ColumnName, Columns, Part, TableColumn, TableName, columns_list, identifier

_SAMPLE = 3  # orphans named in a complaint


class Relation(Part):
    """A reference that the schema does not declare: ``{from: user_troops.user_id, to: users.id}``."""

    from_: TableColumn
    to: TableColumn

    def as_key(self) -> ForeignKey:
        table, _, column = self.from_.rpartition(".")
        parent, _, parent_column = self.to.rpartition(".")
        return ForeignKey(f"{self.from_} -> {self.to}", table, (column,), parent, (parent_column,))


def _all_none_or_names(value: Any) -> Any:
    if value in ("all", "none"):
        return None if value == "all" else []
    if isinstance(value, list):
        return value
    raise ValueError("must be all, none or a list of foreign keys' names")


class References(Check):
    """``- references``: every foreign key is proven by its rows, whatever the schema claims.

    ``foreign-keys`` may name some, or say ``none``; ``also`` adds undeclared ones; ``not-null`` lists columns
    that must be filled: ``{not-null: {user_troops: [user_id]}}``. NOT VALID constraints are proven as well.
    """

    foreign_keys: Annotated[list[ColumnName] | None, BeforeValidator(_all_none_or_names)] = None  # None: all
    also: list[Relation] = Field(default_factory=list)
    not_null: dict[TableName, Columns] = Field(default_factory=dict)

    def run(self, context: Context) -> Result:
        declared = catalog.foreign_keys(context.database)
        keys = [*self._chosen(declared), *(relation.as_key() for relation in self.also)]
        unproven = catalog.unproven_checks(context.database) if self.foreign_keys is None else []
        complaints = [
            *self._unknown(declared),
            *_orphans(context.database, keys),
            *_nulls(context.database, self.not_null),
            *_violations(context.database, unproven),
        ]
        facts = {"foreign-keys": [key.name for key in keys], "not-valid": [check.name for check in unproven]}
        return judged(f"{len(keys)} references proven by their rows", complaints, facts)

    def _chosen(self, declared: list[ForeignKey]) -> list[ForeignKey]:
        if self.foreign_keys is None:
            return declared
        return [key for key in declared if key.name in self.foreign_keys]

    def _unknown(self, declared: list[ForeignKey]) -> list[str]:
        names = {key.name for key in declared}
        return [f"there is no foreign key {name}" for name in self.foreign_keys or () if name not in names]


def _orphans(connection: Connection, keys: Iterable[ForeignKey]) -> Iterator[str]:
    for key in keys:
        same = sql.SQL(" AND ").join(
            sql.SQL("p.{} = c.{}").format(sql.Identifier(theirs), sql.Identifier(ours))
            for ours, theirs in zip(key.columns, key.parent_columns, strict=True)
        )
        filled = sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(c) for c in _each(key.columns))
        query = sql.SQL(
            "SELECT count(*), (array_agg(concat_ws(', ', {columns})))[1:{sample}] FROM {table} c "
            "WHERE {filled} AND NOT EXISTS (SELECT FROM {parent} p WHERE {same})"
        ).format(
            columns=columns_list(key.columns, "c"),
            sample=sql.Literal(_SAMPLE),
            table=identifier(key.table),
            filled=filled,
            parent=identifier(key.parent),
            same=same,
        )
        number, sample = connection.execute(query).fetchone() or (0, None)
        if number:
            yield (
                f"{number} rows of {key.table} have no {key.parent} ({key.name}); "
                f"{', '.join(key.columns)}: {'; '.join(sample)}"
            )


def _each(columns: tuple[str, ...]) -> list[sql.Identifier]:
    return [sql.Identifier("c", column) for column in columns]


def _nulls(connection: Connection, not_null: dict[str, list[str]]) -> Iterator[str]:
    for table, columns in not_null.items():
        counts = sql.SQL(", ").join(
            sql.SQL("count(*) FILTER (WHERE {} IS NULL)").format(sql.Identifier(column)) for column in columns
        )
        query = sql.SQL("SELECT {} FROM {}").format(counts, identifier(table))
        numbers = connection.execute(query).fetchone() or ()
        for column, number in zip(columns, numbers, strict=True):
            if number:
                yield f"{number} rows of {table} have no {column} (it is null)"


def _violations(connection: Connection, checks: list[catalog.CheckConstraint]) -> Iterator[str]:
    for check in checks:
        # the condition is SQL as PostgreSQL itself prints it from its catalog
        condition = sql.SQL(check.condition)
        query = sql.SQL("SELECT count(*) FROM {} WHERE NOT ({})").format(identifier(check.table), condition)
        row = connection.execute(query).fetchone()
        if row and row[0]:
            yield f"{row[0]} rows of {check.table} break the NOT VALID constraint {check.name}"
