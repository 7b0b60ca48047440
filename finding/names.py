"""A table by the name that a person gives it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from finding.catalogs import Table, quoted
from problem import Misuse, listed

_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')


def parse_name(text: str) -> tuple[str | None, str]:
    """Schema, where one is given, and table, quoted as in SQL; unquoted names are taken in lower case.

    Misuse ``table-name`` for anything else.
    """
    bare = _PART.sub("", text)
    parts = [
        match[1].replace('""', '"') if match[1] else match[2].strip().lower()
        for match in _PART.finditer(text)
    ]
    if bare != "." * (len(parts) - 1) or not 1 <= len(parts) <= 2 or not _PART.match(text):
        cure = """Write it like public.accounts; an odd name as in SQL, quoted for the shell: '"Odd"."t.1"'"""
        raise Misuse("table-name", f"{text!r} is not a table's name.", cure)
    return (parts[0] if len(parts) == 2 else None), parts[-1]


def matching(tables: Iterable[Table], schema: str | None, name: str) -> list[Table]:
    """The tables meant: in the schema given, else in ``public``, else in the only schema that has one."""
    found = [table for table in tables if table.name == name and schema in (None, table.schema)]
    schemas = {table.schema for table in found}
    if schema is None and len(schemas) > 1:
        if "public" not in schemas:
            known = ", ".join(sorted(f"{quoted(one)}.{quoted(name)}" for one in schemas))
            raise Misuse(
                "table-ambiguous", f"There are several tables {name}: {known}.", "Name one with its schema."
            )
        return [table for table in found if table.schema == "public"]
    return found


def unknown(text: str, tables: Iterable[Table], database: str) -> Misuse:
    """No backup has such a table: the nearest names."""
    bare = {table.full_name: table.name for table in tables}
    names = sorted(bare)
    plain: dict[str, list[str]] = {}
    for name in names:
        plain.setdefault(bare[name], []).append(name)
    wanted = parse_name(text)[1]
    near = [full for name in get_close_matches(wanted, plain, 3, 0.6) for full in plain[name]]
    hint = f"Did you mean {', '.join(near[:3])}?" if near else _some(names)
    what = f"No base backup has a table {text} in database {database}."
    return Misuse(
        "table-unknown", what, f"{hint} One made since the last base backup: ask for it with --probe."
    )


def _some(names: list[str]) -> str:
    return f"There are: {listed(names, most=10)}." if names else "There are no tables at all."
