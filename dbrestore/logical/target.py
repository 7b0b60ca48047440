"""The database that a dump is loaded into: it exists, and it must be empty."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import tuple_row

from problem import Problem, Refusal, listed
from toolchain.postgres import Binaries

"""So many objects of a database that is not empty are named."""
_ENVIRONMENT = {
    "host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE", "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "options": "PGOPTIONS",
}  # fmt: skip
_INSIDE = """
    SELECT 'schema ' || quote_ident(nspname) FROM pg_namespace n
     WHERE nspname !~ '^(pg_|information_schema$|public$)' AND {others} AND NOT {own_n}
    UNION ALL
    SELECT CASE relkind WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view ' ELSE 'table ' END
           || c.oid::regclass::text
      FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
       AND nspname !~ '^(pg_|information_schema$)' AND {others} AND NOT {own_c}
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
     WHERE nspname !~ '^(pg_|information_schema$)' AND {others} AND NOT {own_p}
    UNION ALL
    SELECT 'type ' || format_type(t.oid, NULL) FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
     WHERE typtype IN ('d', 'e', 'r') AND nspname !~ '^(pg_|information_schema$)' AND {others} AND NOT {own_t}
    UNION ALL
    SELECT 'large object ' || oid FROM pg_largeobject_metadata
    ORDER BY 1
"""
_EXTENSIONS_OWN = (
    "EXISTS (SELECT FROM pg_depend d WHERE d.classid = '{of}'::regclass AND d.objid = {alias}.oid"
    " AND d.deptype = 'e')"
)


@dataclass(frozen=True)
class Target:
    """How the database is reached; the password goes by the environment, never in arguments."""

    parameters: Mapping[str, str]
    """Of libpq: host, port, user, password, dbname..."""
    binaries: Binaries
    managed: tuple[str, ...] = ()
    """Schemas that the server's keeper fills in every new database: what is in them does not count."""
    session: str = ""
    """A statement that each session for data begins with."""
    application: str = "reforge"
    """By this name its sessions show in pg_stat_activity."""

    @classmethod
    def of_url(cls, url: str, binaries: Binaries) -> Target:
        """An existing database by its URL."""
        try:
            known = conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise Problem("target-url-wrong", f"The target's URL cannot be read: {error}") from None
        return cls({name: str(value) for name, value in known.items()}, binaries)

    @property
    def name(self) -> str:
        return self.parameters.get("dbname", "")

    def to(self, database: str) -> Target:
        """Another database of the same server."""
        return replace(self, parameters={**self.parameters, "dbname": database})

    @contextlib.contextmanager
    def connect(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection in autocommit. PostgreSQL's errors become Problems ``load-failed``."""
        try:
            with psycopg.connect(
                **self.parameters,  # type: ignore[arg-type]  # texts, which libpq converts
                autocommit=True,
                client_encoding="utf8",  # statements are sent so; data has the encoding of its dump
                connect_timeout=10,
                application_name=self.application,
                row_factory=tuple_row,
            ) as connection:
                if self.session:
                    connection.execute(self.session.encode())
                yield connection
        except psycopg.Error as error:
            raise Problem("load-failed", f"Database {self.name}: {error}") from error

    def environment(self) -> dict[str, str]:
        """What pg_restore and psql connect with."""
        named = {_ENVIRONMENT[name]: value for name, value in self.parameters.items() if name in _ENVIRONMENT}
        return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "PGAPPNAME": self.application, **named}

    def require_empty(self) -> None:
        """Refusal ``target-not-empty`` naming what is in it; what extensions made does not count."""
        with self.connect() as connection:
            found = [str(row[0]) for row in connection.execute(_inside(), {"managed": list(self.managed)})]
        if found:
            what = f"Database {self.name} is not empty: {listed(found)}."
            raise Refusal(
                "target-not-empty", what, "Give an empty database: a dump is never loaded over data."
            )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query; names in it that are not qualified are PostgreSQL's own."""
        with self.connect() as connection:
            connection.execute("SET search_path = ''")
            return connection.execute(query.encode()).fetchall()


def _inside() -> bytes:
    owned = {"own_n": ("pg_namespace", "n"), "own_c": ("pg_class", "c"), "own_p": ("pg_proc", "p"),
             "own_t": ("pg_type", "t")}  # fmt: skip
    parts = {name: _EXTENSIONS_OWN.format(of=of, alias=alias) for name, (of, alias) in owned.items()}
    return _INSIDE.format(**parts, others="nspname <> ALL (%(managed)s)").encode()
