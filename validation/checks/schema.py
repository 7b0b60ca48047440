"""Are the tables and columns there?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator, Field

from validation import catalog
from validation.check import Check, Result, judged
from validation.connections import Connection
from validation.context import Context
from validation.values import Bounds, ColumnName, TableName, number_or_bounds


class Schema(Check):
    """``- schema: {tables: [users], number-of-tables: {at-least: 4}, columns: {users: [id, namecode]}}``.

    Alone (``- schema``) it wants one table at least in the schema ``public``.
    """

    schema_: ColumnName = "public"
    tables: list[TableName] = Field(default_factory=list)
    number_of_tables: Annotated[Bounds, BeforeValidator(number_or_bounds)] = Bounds.model_validate(
        {"at-least": 1}
    )
    columns: dict[TableName, list[ColumnName]] = Field(default_factory=dict)

    def run(self, context: Context) -> Result:
        number = self._number(context.database)
        wanted = list(dict.fromkeys([*self.tables, *self.columns]))
        missing = catalog.missing_tables(context.database, wanted)
        return judged(
            f"{number} tables in {self.schema_}, {len(wanted) - len(missing)} of the {len(wanted)} wanted",
            [
                self.number_of_tables.complaint(number, f"tables in schema {self.schema_}"),
                *(f"table {table} does not exist" for table in missing),
                *self._missing_columns(context.database, missing),
            ],
            {"number-of-tables": number, "missing": missing},
        )

    def _number(self, connection: Connection) -> int:
        row = connection.execute(
            "SELECT count(*) FROM information_schema.tables "
            "WHERE table_schema = %s AND table_type = 'BASE TABLE'",
            [self.schema_],
        ).fetchone()
        return int(row[0]) if row else 0

    def _missing_columns(self, connection: Connection, missing: list[str]) -> Iterator[str]:
        for table, columns in self.columns.items():
            if table not in missing:
                there = catalog.columns_of(connection, table)
                yield from (
                    f"column {table}.{column} does not exist" for column in columns if column not in there
                )
