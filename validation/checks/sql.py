"""Does a query of one's own give what it must?"""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from validation.check import Check, Result, judged
from validation.context import Context
from validation.statements import plain, values_of
from validation.values import Bounds

_SHOWN = 200  # characters of a result that a complaint quotes


class Sql(Check):
    """``- sql: {name: no user without name, query: SELECT ..., expect: 0}``.

    ``expect`` is a value, a list for several rows (``[]``: no row) and a list of lists for several columns;
    ``bounds: {at-least: 3}`` suits a number. With ``write: true`` the statement may write, and what it wrote
    stays.
    """

    name: str
    query: str
    expect: Any = None
    bounds: Bounds | None = None
    write: bool = False

    @model_validator(mode="after")
    def _expects_something(self) -> Sql:
        if ("expect" in self.model_fields_set) == (self.bounds is not None):
            raise ValueError("needs either expect (a value) or bounds (of a number)")
        return self

    def run(self, context: Context) -> Result:
        if self.write:
            with context.writable() as connection:
                rows = values_of(connection, self.query)
        else:
            rows = values_of(context.database, self.query)
        found = _compact(rows)
        return judged(f"the query gave {_short(found)}", [self._complaint(found)], {"value": found})

    def _complaint(self, found: Any) -> str | None:
        if self.bounds is None:
            wanted = plain(self.expect)
            return None if _same(found, wanted) else f"{_short(found)}, expected {_short(wanted)}"
        if not isinstance(found, int) or isinstance(found, bool):
            return f"{_short(found)}, expected one whole number"
        return self.bounds.complaint(found, "by the query")


def _compact(rows: list[list[Any]]) -> Any:
    """One value of one row as itself, one column as a list, more as a list of lists."""
    if any(len(row) != 1 for row in rows):
        return rows
    column = [row[0] for row in rows]
    return column[0] if len(column) == 1 else column


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, list) and not isinstance(found, list):
        return len(wanted) == 1 and _same(found, wanted[0])
    return bool(found == wanted) and isinstance(found, bool) == isinstance(wanted, bool)


def _short(value: Any) -> str:
    text = "no row" if value == [] else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
