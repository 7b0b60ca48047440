"""Are the critical tables as full as they should be?"""

from __future__ import annotations

from psycopg import sql
from pydantic import Field, model_validator

from validation import catalog
from validation.check import Check, Result, judged
from validation.connections import Connection
from validation.context import Context
from validation.values import Bounds, Percent, TableName, identifier


class Expectation(Bounds):
    """How many rows a table may have: bounds, or ``within: 5%`` of the source's number.

    ``estimate: true`` takes PostgreSQL's own estimate (pg_class.reltuples, as of the last VACUUM or ANALYZE)
    instead of reading the table.
    """

    within: Percent | None = None
    estimate: bool = False

    @model_validator(mode="after")
    def _expects_something(self) -> Expectation:
        if (self.at_least, self.at_most, self.exactly, self.within) == (None, None, None, None):
            raise ValueError("expects nothing: say at-least, at-most, exactly or within")
        return self


class RowCounts(Check):
    """``- row-counts: {tables: {users: {at-least: 1000}, hero_snapshots: {within: 5%}}}``."""

    tables: dict[TableName, Expectation] = Field(min_length=1)

    def run(self, context: Context) -> Result:
        missing = catalog.missing_tables(context.database, list(self.tables))
        complaints: list[str | None] = [f"table {table} does not exist" for table in missing]
        facts: dict[str, dict[str, int | None]] = {}
        for table, expected in self.tables.items():
            if table not in missing:
                facts[table], found = _compared(context, table, expected)
                complaints += found
        counted = ", ".join(f"{table} {seen['rows']}" for table, seen in facts.items())
        return judged(f"rows: {counted or 'none counted'}", complaints, facts)


def _compared(
    context: Context, table: str, expected: Expectation
) -> tuple[dict[str, int | None], list[str | None]]:
    rows = _rows(context.database, table, expected.estimate)
    if rows is None:
        return {"rows": None}, [f"{table}: no estimate yet; run ANALYZE, or drop `estimate: true`"]
    complaints = [expected.complaint(rows, f"rows in {table}")]
    if expected.within is None:
        return {"rows": rows}, complaints
    if catalog.missing_tables(context.source, [table]):
        return {"rows": rows, "source": None}, [*complaints, f"table {table} does not exist in the source"]
    source = _rows(context.source, table, expected.estimate)
    if source is None:
        return {"rows": rows, "source": None}, [
            *complaints,
            f"{table}: the source has no estimate; ANALYZE it",
        ]
    return {"rows": rows, "source": source}, [*complaints, _distance(table, rows, source, expected.within)]


def _distance(table: str, rows: int, source: int, within: float) -> str | None:
    if abs(rows - source) <= source * within:
        return None
    return f"{rows} rows in {table}, the source has {source}: more than {within * 100:g}% apart"


def _rows(connection: Connection, table: str, estimate: bool) -> int | None:
    """The number of rows; None when an estimate is wanted and the table was never analyzed."""
    if estimate:
        # of a partitioned table the leaves know their rows; pg_partition_tree of a plain table is empty
        query = sql.SQL(
            "SELECT CASE WHEN min(c.reltuples) >= 0 THEN sum(c.reltuples)::bigint END "
            "FROM pg_class c WHERE c.relkind <> 'p' AND (c.oid = {0}::regclass "
            "OR c.oid IN (SELECT relid FROM pg_partition_tree({0}::regclass)))"
        ).format(sql.Literal(identifier(table).as_string(connection)))
    else:
        query = sql.SQL("SELECT count(*) FROM {}").format(identifier(table))
    row = connection.execute(query).fetchone()
    return None if row is None or row[0] is None else int(row[0])
