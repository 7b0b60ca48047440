"""A cluster that Reforge did not make: version, encoding, locale, names and settings are somebody else's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from tests.support.ground import accepts, as_account, folder, run
from tests.support.postgres import Postgres
from toolchain.postgres import Binaries

PASSWORD = "foreign-secret"


@dataclass(frozen=True)
class Made:
    """How somebody made it, years ago."""

    superuser: str = "postgres"
    database: str = "app"
    initdb: Sequence[str] = ("-E", "UTF8", "--locale=C.UTF-8")
    settings: Mapping[str, str] = field(default_factory=dict)
    config_elsewhere: bool = False
    """As Debian keeps it: postgresql.conf and pg_hba.conf outside of the data directory."""
    without_postgres: bool = False
    """Whether somebody dropped the database ``postgres``."""
    comment: bytes = b""
    """A line of postgresql.conf, in whatever encoding."""


class Foreign(Postgres):
    """A server of ``binaries``, made as ``made`` says, with an archive."""

    def __init__(self, directory: Path, binaries: Binaries, made: Made) -> None:
        self.binaries, self.made = binaries, made
        super().__init__(directory / "pg", archive=directory / "wal", settings=made.settings)
        self.place = directory

    @property
    def config(self) -> Path:
        return self.directory / "etc" / "postgresql.conf"

    def tool(self, name: str) -> str:
        return str(self.binaries.tool(name))

    def start(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        command = [self.tool("postgres"), "-D", str(self.data)]
        if self.made.config_elsewhere:
            command += ["-c", f"config_file={self.config}"]
        self._launch(command, lambda: accepts(self.url("template1")), **as_account())
        self._prepare()

    def url(self, database: str = "template1") -> str:
        """For the tests' own sessions, which the server's defaults must not hinder."""
        own = "-c default_transaction_read_only=off -c default_transaction_isolation=read\\ committed"
        return f"{self.plain_url(database)}?client_encoding=utf8&options={quote(own)}"

    def plain_url(self, database: str) -> str:
        """As its user would give it."""
        user, name = quote(self.made.superuser, safe=""), quote(database, safe="")
        return f"postgresql://{user}@127.0.0.1:{self.port}/{name}"

    def execute(self, statements: str, database: str = "template1") -> list[tuple[Any, ...]]:
        return super().execute(statements, database)

    def sql(self, statements: str) -> list[tuple[Any, ...]]:
        """Run SQL in the cluster's own database."""
        return self.execute(statements, self.made.database)

    def backup(self, name: str, *options: str, into: str = "base") -> Path:
        """A base backup by the foreign version's own pg_basebackup."""
        target = folder(self.place / into) / name
        command = [self.tool("pg_basebackup"), "-D", str(target), "-d", self.url(), "-c", "fast", "--no-sync"]
        run([*command, "--label", name, *options])
        return target

    def _initialise(self) -> None:
        options = ["-U", self.made.superuser, "--auth=trust", "-N", *self.made.initdb]
        run([self.tool("initdb"), "-D", str(self.data), *options])
        with (self.data / "postgresql.conf").open("ab") as conf:
            conf.write(b"\n" + self.made.comment + b"\n")
        self._configure()
        if self.made.config_elsewhere:
            self._move_config()

    def _move_config(self) -> None:
        folder(self.config.parent)
        for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
            (self.data / name).rename(self.config.parent / name)
        with self.config.open("a") as conf:
            conf.write(f"data_directory = '{self.data}'\nhba_file = '{self.config.parent}/pg_hba.conf'\n")
            conf.write(f"ident_file = '{self.config.parent}/pg_ident.conf'\n")

    def _prepare(self) -> None:
        known = {row[0] for row in self.execute("SELECT datname FROM pg_database")}
        if self.made.database in known:
            return
        with psycopg.connect(self.url(), autocommit=True) as connection:
            user, name = sql.Identifier(self.made.superuser), sql.Identifier(self.made.database)
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(user, sql.Literal(PASSWORD)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
            if self.made.without_postgres:
                connection.execute("DROP DATABASE postgres")
