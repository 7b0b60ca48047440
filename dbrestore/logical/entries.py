"""What a dump consists of: its entries, in the terms of pg_dump's table of contents."""

from __future__ import annotations

from dataclasses import dataclass

ARCHIVE_MAJORS = {12: 10, 13: 10, 14: 12, 15: 16, 16: 17}
"""The minor of an archive's format version, and the first PostgreSQL whose pg_restore reads it."""


def label_of(kind: str, schema: str, name: str) -> str:
    """Kind and full name of an object in one."""
    return f"{kind} {schema}.{name}" if schema else f"{kind} {name}".strip()


@dataclass(frozen=True)
class Entry:
    """One object of a dump, or the data of one."""

    number: int
    """pg_dump's dump ID; for a plain dump the position."""
    kind: str
    """TABLE, TABLE DATA, INDEX, FK CONSTRAINT, ACL...: pg_dump's own word."""
    schema: str
    """Empty where it lies in none."""
    name: str
    """pg_dump's tag: constraints, triggers, policies, defaults come as "table name"."""
    owner: str = ""
    sql: str = ""
    section: str = ""
    """pre, data, post or none."""
    copy: str = ""
    """The COPY statement of table data; empty where the data is INSERT statements."""
    needs: tuple[int, ...] = ()
    """Dump IDs of what it depends on."""
    place: int | str | None = None
    """Where the data lies: an offset in a custom archive, a file's name in a directory or tar."""

    @property
    def label(self) -> str:
        """Kind and full name, as messages have it: "TABLE public.accounts"."""
        return label_of(self.kind, self.schema, self.name)


@dataclass(frozen=True)
class Header:
    """What a dump says about itself before its entries."""

    database: str = ""
    server: str = ""
    """Version of the server that it was taken of: "15.18"."""
    pg_dump: str = ""
    reader: int = 0
    """The first major version whose pg_restore reads it."""
    compression: str = "none"
    """Of the data within an archive: none, gzip, lz4, zstd."""
    int_size: int = 4
    offset_size: int = 8

    @property
    def major(self) -> int:
        """The server's major version; 0 where the dump does not say."""
        digits = self.server.split(".")[0].split(" ")[0]
        return int(digits) if digits.isdigit() else 0

    @property
    def needed(self) -> int:
        """The lowest major version that this can be restored into."""
        return max(self.major, self.reader)
