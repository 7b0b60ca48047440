"""Whether a restore is what its source was: pg_dump of both, differences explained by name or none.

Nothing is normalised but by a rule of ``RULES``; each says why the difference must be there.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.foreign.cluster import PASSWORD
from toolchain.postgres import Binaries

RESTRICT_KEY = re.compile(r"^\\(un)?restrict \S+$", re.MULTILINE)
SETVAL = re.compile(
    r"^SELECT pg_catalog\.setval\('(?P<name>.+)', (?P<value>-?\d+), (?:true|false)\);$", re.MULTILINE
)
LOCATION = re.compile(r"^(CREATE TABLESPACE .+ LOCATION) '.*';$", re.MULTILINE)
OWNER = re.compile(
    r"^(-- (?:Data for )?Name: .+; Type: (?:TABLE DATA|SEQUENCE SET); .+); Owner: .+$", re.MULTILINE
)
TABLESPACE = re.compile(r"^SET default_tablespace = .*;\n\n|; Tablespace: .+$", re.MULTILINE)
MAINTENANCE = "template1"
SEQUENCE_AHEAD = 32
"""Values that PostgreSQL logs ahead of use (SEQ_LOG_VALS), so that replay may skip them."""


@dataclass(frozen=True)
class Seen:
    """One server as pg_dump shows it: the cluster's globals, and each database by name."""

    globals: str
    databases: Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """Where a server answers, and to whom."""

    port: int
    user: str
    host: str = "127.0.0.1"

    def connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=PASSWORD,
            dbname=database,
            autocommit=True,
        )

    @property
    def words(self) -> list[str]:
        return ["-h", self.host, "-p", str(self.port), "-U", self.user, "--no-password"]


def seen(binaries: Binaries, place: Place) -> Seen:
    """Dump everything but the rows of unlogged tables; see ``unlogged-tables-empty``."""
    with place.connect(MAINTENANCE) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datallowconn").fetchall()
    names = sorted(str(name) for (name,) in rows)
    whole = _run(binaries, "pg_dumpall", *place.words, "--globals-only", "-l", MAINTENANCE)
    options = [*place.words, "--create", "--no-unlogged-table-data", "--encoding=UTF8"]
    found = {name: _run(binaries, "pg_dump", *options, "-d", _conninfo(name)) for name in names}
    return Seen(
        RESTRICT_KEY.sub("", whole), {name: RESTRICT_KEY.sub("", text) for name, text in found.items()}
    )


def _conninfo(database: str) -> str:
    return psycopg.conninfo.make_conninfo(dbname=database)


def _run(binaries: Binaries, tool: str, *words: str) -> str:
    command = [str(binaries.tool(tool)), *words]
    environment = {**os.environ, "PGPASSWORD": PASSWORD, "PGOPTIONS": "-c bytea_output=hex"}
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert ran.returncode == 0, f"{tool} failed: {ran.stderr}"
    return ran.stdout


Rule = Callable[[str, str], tuple[str, str]]
"""Takes the source's and the restore's text, and gives both without the difference that it explains."""


def sequences_ahead(source: str, restore: str) -> tuple[str, str]:
    """A sequence is logged some values ahead, so that replay may skip them; never back, never far."""
    there = {found["name"]: int(found["value"]) for found in SETVAL.finditer(source)}

    def as_there(found: re.Match[str]) -> str:
        mine, theirs = int(found["value"]), there.get(found["name"])
        near = theirs is not None and 0 <= mine - theirs <= SEQUENCE_AHEAD * _step(found["name"], source)
        return f"-- setval of {found['name']}" if near else found[0]

    restored = SETVAL.sub(as_there, restore)
    return SETVAL.sub(lambda found: f"-- setval of {found['name']}", source), restored


def _step(name: str, text: str) -> int:
    """How far one value of a sequence lies from the next."""
    block = re.search(rf"SEQUENCE(?: NAME)? {re.escape(name)}\n(?P<body>.*?);", text, re.DOTALL)
    step = re.search(r"INCREMENT BY (\d+)", block["body"]) if block else None
    return int(step[1]) if step else 1


def tablespace_location(source: str, restore: str) -> tuple[str, str]:
    """Tablespaces of a restore lie in folders of its own: those of the original are never written to."""
    return LOCATION.sub(r"\1 ...;", source), LOCATION.sub(r"\1 ...;", restore)


def extension_owner(source: str, restore: str) -> tuple[str, str]:
    """pg_dump does not say whose an extension is: its objects belong to whoever loads the dump.

    Only comments are passed over; what is nobody's extension has its ALTER ... OWNER TO besides.
    """
    return OWNER.sub(r"\1", source), OWNER.sub(r"\1", restore)


def default_tablespace(source: str, restore: str) -> tuple[str, str]:
    """A new cluster has no tablespaces, so that everything of a dump lies in the default one."""
    return TABLESPACE.sub("", source), TABLESPACE.sub("", restore)


RULES: Mapping[str, Rule] = {
    "sequences-ahead": sequences_ahead,
    "tablespace-location": tablespace_location,
    "extension-owner": extension_owner,
    "default-tablespace": default_tablespace,
}
"""Besides these, two hold for every comparison: ``restrict-key``, a random word in the text of newer
pg_dumps; and ``unlogged-tables-empty``, which its own test looks at."""


def difference(source: str, restore: str, *explained: str) -> str:
    """A unified diff of what no rule explains; empty where both agree."""
    for name in explained:
        source, restore = RULES[name](source, restore)
    lines = difflib.unified_diff(
        source.splitlines(), restore.splitlines(), "source", "restore", n=2, lineterm=""
    )
    return "\n".join(lines)


def unlogged_rows(place: Place, database: str) -> dict[str, int]:
    """Rows of every unlogged table."""
    with place.connect(database) as connection:
        query = "SELECT oid::regclass::text FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r'"
        names = [str(name) for (name,) in connection.execute(query).fetchall()]
        counts = {
            name: connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone() for name in names
        }
    return {name: row[0] for name, row in counts.items() if row}
