"""The empty database that a dump goes into, made as the dump's own was."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable, Iterator, Sequence

import psycopg
from psycopg import sql

from dbrestore.logical.complaints import Complaint
from dbrestore.logical.entries import Entry
from dbrestore.logical.needs import DatabaseOptions
from dbrestore.logical.target import Target
from problem import Refusal

_LC_ALL_MASK = 0x1FBF
"""All categories, for newlocale(3)."""
_FORCES = 130000
"""The first version that ends the sessions of a database which it drops."""
_OF_DATABASE = {"ACL", "COMMENT", "SECURITY LABEL"}
_NAMED = re.compile(
    r'^(\s*(?:ALTER DATABASE|ALTER ROLE (?:"(?:[^"]|"")+"|\S+) IN DATABASE|(?:GRANT|REVOKE) .*? ON DATABASE'
    r'|COMMENT ON DATABASE|SECURITY LABEL .*?ON DATABASE)) (?:"(?:[^"]|"")+"|\S+)(?=\s)',
    re.DOTALL,
)
_TOKEN = re.compile(
    r"""(?P<passed>^\\.*$|--.*$)|\bE'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|[\s\S]""",
    re.MULTILINE,
)
"""What statements are made of. ``passed`` are comments, and commands of psql's own between them."""


def require_locales(names: Iterable[str]) -> None:
    """Refusal ``locale-missing`` where this machine does not have a locale of the dump's database."""
    libc = ctypes.CDLL(None)
    libc.newlocale.restype = ctypes.c_void_p
    libc.freelocale.argtypes = [ctypes.c_void_p]
    for name in sorted(names):
        found = libc.newlocale(_LC_ALL_MASK, name.encode(), None)
        if not found:
            what = f"The dump's database has the locale {name}, which this machine does not have."
            cure = (
                f"Make it: localedef or `locale-gen {name}`; or name another: `locale: C.UTF-8` under from."
            )
            raise Refusal("locale-missing", what, cure)
        libc.freelocale(found)


def create(name: str, owner: str, options: DatabaseOptions, server: Target) -> None:
    """Make the database, empty, in place of one that is there. ``server`` is another database there."""
    database = sql.Identifier(name)
    words = [
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(database, sql.Identifier(owner))
    ]
    words += [
        sql.SQL("{} = {}").format(sql.SQL(key), sql.Literal(value)) for key, value in _settings(options)
    ]
    drop(name, server)
    with server.connect() as connection:
        connection.execute(sql.SQL(" ").join(words))


def drop(name: str, server: Target) -> None:
    """End the database, and whoever is connected to it: of a load that was killed, programs may still be."""
    with server.connect() as connection:
        force = sql.SQL(" WITH (FORCE)" if connection.info.server_version >= _FORCES else "")
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}{}").format(sql.Identifier(name), force))


def _settings(options: DatabaseOptions) -> list[tuple[str, str]]:
    return [(name, value) for name, value in options.settings.items() if re.fullmatch(r"[A-Z_]+", name)]


def properties(entries: Sequence[Entry], target: Target) -> list[Complaint]:
    """Settings, grants and comment of the dump's database, given to this one whatever it is called."""
    complaints = []
    with target.connect() as connection:
        name = sql.Identifier(target.name).as_string(connection)
        for entry in filter(of_database, entries):
            # Sent together they are one transaction, and one that fails takes the others along.
            for statement in _statements(entry.sql):
                try:
                    connection.execute(_NAMED.sub(lambda match: f"{match[1]} {name}", statement).encode())
                except psycopg.Error as error:
                    complaints.append(Complaint("lossy", entry.label, " ".join(str(error).split())))
    return complaints


def _statements(text: str) -> Iterator[str]:
    statement = ""
    for token in _TOKEN.finditer(text):
        if not token["passed"]:
            statement += token[0]
        if token[0] == ";":
            yield statement
            statement = ""


def of_database(entry: Entry) -> bool:
    """Whether it is of the database itself; pg_restore passes those over where it makes no database."""
    return entry.kind == "DATABASE PROPERTIES" or (
        entry.kind in _OF_DATABASE and entry.name.startswith("DATABASE ")
    )
