"""A new cluster filled from a dump: the application's role, the database, everything in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

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
        return needs.database_options(self.dump.entries).at(self._said.locale)

    def fill(self, cluster: Cluster, context: Context) -> Loaded:
        """Make role and database, load, and give the application's role back its place."""
        server, owner = _target(cluster, "template1"), self._owner
        people.make([self.inputs.source.user], server)
        people.let_in(self.inputs.source.user, self.inputs.password or "", server)
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
        named = set(people.wanted(self.entries, self.options)) | self.known_roles
        user = self.inputs.source.user
        return people.owner_of_database(self.database.owner, named, self.options, user)


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
