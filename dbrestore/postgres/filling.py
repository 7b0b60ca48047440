"""A new cluster filled from a dump: the application's role, the database, everything in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from psycopg import sql

from dbrestore.handler import Context
from dbrestore.logical import needs, people
from dbrestore.logical.database import create
from dbrestore.logical.entries import Entry
from dbrestore.logical.load import Loaded, load
from dbrestore.logical.needs import DatabaseOptions
from dbrestore.logical.options import Options
from dbrestore.logical.reading import Dump
from dbrestore.logical.target import Target
from dbrestore.postgres.cluster import Cluster
from dbrestore.postgres.inputs import DumpOptions, InstanceInputs

SUPERUSER = "postgres"
"""Made by initdb. The application's role is another, so that it is bound by the rules on its rows."""


@dataclass(frozen=True)
class Filling:
    """A dump and how it is loaded into a cluster of our own."""

    inputs: InstanceInputs
    dump: Dump
    entries: Sequence[Entry]
    """Those of the dump that are restored."""

    @property
    def options(self) -> Options:
        return self._said.options

    @property
    def database(self) -> DatabaseOptions:
        """Encoding and locale: the declared locale, else the dump's, else C of the cluster."""
        found, locale = needs.database_options(self.dump.entries), self._said.locale
        if not locale and len(found.settings) == 1 and found.encoding not in ("UTF8", "SQL_ASCII"):
            locale = "C"  # the cluster's own is of UTF-8
        if not locale:
            return found
        kept = {name: value for name, value in found.settings.items() if name == "ENCODING"}
        return replace(found, settings=kept | {"LOCALE": locale})

    def fill(self, cluster: Cluster, context: Context) -> Loaded:
        """Make role and database, load, and give the application's role back its place."""
        server, owner = _target(cluster, "template1"), self._owner
        self._make_user(server)
        people.make([owner, *([self.options.role] if self.options.role else [])], server)
        create(self.inputs.source.database, owner, self.database, server)
        with _lifted(self.options.role, server):
            return load(
                self.dump, self.entries, server.to(self.inputs.source.database), self.options, context
            )

    @property
    def known_roles(self) -> set[str]:
        """The roles that are there without being asked for."""
        return {SUPERUSER, self.inputs.source.user}

    @property
    def _said(self) -> DumpOptions:
        return self.inputs.dump or DumpOptions()

    @property
    def _owner(self) -> str:
        """Of the database: as the options say, else as the dump does, else the application's role."""
        options, owner = self.options, self.database.owner
        if options.role and options.no_owner:
            return options.role
        named = set(people.wanted(self.entries, options)) | self.known_roles
        return options.roles.get(owner, owner if owner in named else self.inputs.source.user)

    def _make_user(self, server: Target) -> None:
        """The application's role with its password; only the hash leaves this process."""
        user, password = self.inputs.source.user, self.inputs.password
        name = sql.Identifier(user)
        with server.connect() as connection:
            if user != SUPERUSER:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
            if password:
                known = connection.pgconn.encrypt_password(password.encode(), user.encode(), b"scram-sha-256")
                text = sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(known.decode()))
                connection.execute(text)


@contextmanager
def _lifted(role: str, server: Target) -> Iterator[None]:
    """While it loads, and nobody can connect, the role may make extensions and whatever else there is."""
    if not role or role == SUPERUSER:
        yield
        return
    name = sql.Identifier(role)
    with server.connect() as connection:
        connection.execute(sql.SQL("ALTER ROLE {} SUPERUSER").format(name))
    yield  # a load that fails leaves no cluster
    with server.connect() as connection:
        connection.execute(sql.SQL("ALTER ROLE {} NOSUPERUSER").format(name))


def _target(cluster: Cluster, database: str) -> Target:
    parameters = {
        "host": str(cluster.socket_directory),
        "port": str(cluster.port),
        "user": cluster.user,
        "dbname": database,
    }
    return Target(parameters, cluster.binaries)
