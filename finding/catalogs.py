"""Names in a base backup or a stopped data directory: databases, tables and their files, the superuser.

Layouts are those of src/include/catalog/*.h; the columns read here have been the same since PostgreSQL 12.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from finding.pages import mapped, rows

Read = Callable[[str], bytes]
"""Gives a file by its name relative to the data directory; OSError where it has none."""

_PG_CLASS, _PG_NAMESPACE, _PG_INHERITS, _PG_DATABASE, _PG_AUTHID = 1259, 2615, 2611, 1262, 1260
_CLASS = struct.Struct("<I64sIIIIIIIif")
_NAMED = struct.Struct("<I64s")
_INHERITS = struct.Struct("<II")
_DEFAULT_TABLESPACE = 1663
_BOOTSTRAP = 10
_SYSTEM = ("pg_catalog", "information_schema", "pg_toast")
_BARE = re.compile(r"[a-z_][a-z0-9_$]*")
_TABLES = "rpmf"
"""pg_class.relkind of tables: ordinary, partitioned, materialised views; foreign ones have no WAL."""


@dataclass(frozen=True)
class Table:
    """One table in one version of its pg_class row. ``file`` is 0 where it has none (a partitioned one)."""

    oid: int
    schema: str
    name: str
    file: int
    tablespace: int
    rows: float = -1
    """The planner's estimate; -1 where the table was never analysed."""

    @property
    def full_name(self) -> str:
        """As it is typed; quoted where SQL would not take it bare."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"


def quoted(name: str) -> str:
    """A name in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else '"' + name.replace('"', '""') + '"'


class Catalogs:
    """The names in one data directory of a major version from 12 on."""

    def __init__(self, read: Read, major: int) -> None:
        self._read, self._major = read, major

    def database(self, name: str) -> int | None:
        """The OID of a database; None where there is none of that name."""
        return self.databases.get(name)

    @cached_property
    def databases(self) -> dict[str, int]:
        """OIDs by name."""
        return {text: oid for oid, text in self._named(self._shared(_PG_DATABASE))}

    @cached_property
    def superuser(self) -> str:
        """The role that initdb made, by its newest name; it may always log in where nothing is asked."""
        names = [name for oid, name in self._named(self._shared(_PG_AUTHID)) if oid == _BOOTSTRAP]
        return names[-1] if names else "postgres"

    def tables(self, database: int) -> list[Table]:
        """Every table of a database but the system's, in each version of its row."""
        folder = f"base/{database}"
        numbers = mapped(self._read(f"{folder}/pg_filenode.map"))
        classes = list(self._classes(self._read(f"{folder}/{numbers[_PG_CLASS]}")))
        files = [fields for fields, kind in classes if fields[0] == _PG_NAMESPACE]
        schemas = dict(self._named(f"{folder}/{files[-1][7]}"))
        found = [
            Table(fields[0], schemas.get(fields[2], ""), _text(fields[1]), fields[7], fields[8], fields[10])
            for fields, kind in classes
            if kind in _TABLES
        ]
        return [table for table in found if table.schema and not table.schema.startswith(_SYSTEM)]

    def children(self, database: int, parents: set[int]) -> set[int]:
        """OIDs of the partitions and heirs of tables, at any depth."""
        folder = f"base/{database}"
        numbers = mapped(self._read(f"{folder}/pg_filenode.map"))
        classes = self._classes(self._read(f"{folder}/{numbers[_PG_CLASS]}"))
        file = [fields[7] for fields, _kind in classes if fields[0] == _PG_INHERITS][-1]
        pairs = [_INHERITS.unpack_from(row) for row in rows(self._read(f"{folder}/{file}"))]
        found: set[int] = set()
        while fresh := {child for child, parent in pairs if parent in parents | found} - found:
            found |= fresh
        return found - parents

    def default_tablespace(self, database: int) -> int:
        """The tablespace of what names none; 0 where it is not the cluster's default one."""
        try:
            self._read(f"base/{database}/PG_VERSION")
        except OSError:
            return 0
        return _DEFAULT_TABLESPACE

    def _classes(self, file: bytes) -> Iterator[tuple[tuple[Any, ...], str]]:
        # PostgreSQL 18 has relallfrozen before it.
        place = 119 if self._major >= 18 else 115
        for row in rows(file):
            if len(row) > place:
                yield _CLASS.unpack_from(row), chr(row[place])

    def _shared(self, catalog: int) -> str:
        return f"global/{mapped(self._read('global/pg_filenode.map'))[catalog]}"

    def _named(self, file: str) -> Iterator[tuple[int, str]]:
        for row in rows(self._read(file)):
            oid, name = _NAMED.unpack_from(row)
            yield oid, _text(name)


def _text(name: bytes) -> str:
    return name.split(b"\0", 1)[0].decode(errors="replace")
