"""An instance made from a dump: a new cluster, an empty database in it, the dump loaded, made durable."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from psycopg import sql

from dbrestore.forecast import Forecast
from dbrestore.handler import Context, State
from dbrestore.logical import needs, people
from dbrestore.logical.database import create, require_locales
from dbrestore.logical.entries import Entry
from dbrestore.logical.load import Loaded, load
from dbrestore.logical.needs import DatabaseOptions
from dbrestore.logical.opening import binaries_for, chosen, open_dump
from dbrestore.logical.options import Options
from dbrestore.logical.reading import Dump
from dbrestore.logical.tabledata import LOADING
from dbrestore.logical.target import Target
from dbrestore.postgres import bulk, configuring, initialising
from dbrestore.postgres.cluster import Cluster
from dbrestore.postgres.inputs import DumpOptions
from dbrestore.postgres.making import Making
from dbrestore.postgres.mark import Mark
from dbrestore.postgres.recovery import silence_subscriptions
from dbrestore.space import Need
from toolchain.accounts import Account, account, server_account
from toolchain.postgres import Binaries

SUPERUSER = "postgres"
"""Made by initdb. The application's role is another, so that it is bound by the rules on its rows."""
_UNPACKED = 4
"""How much larger than a compressed dump its database may become."""


class Logical(Making):
    """The phase ``loading``. Half a load is worth nothing: the next run makes it anew."""

    continued: ClassVar = frozenset({"ready"})
    _dump: Dump
    _entries: Sequence[Entry]

    @property
    def words(self) -> str:
        how = self._declared.model_dump(include={"schemas", "tables"}, exclude_defaults=True)
        part = "".join(f" {kind} {', '.join(names)}" for kind, names in how.items())
        return f"dump {self.inputs.until.value}{part}"

    def account(self) -> Account | None:
        if os.geteuid() != 0:
            return None
        return account(self.inputs.run_as) if self.inputs.run_as else server_account()

    def examine(self, context: Context) -> None:
        self._look(context)

    def forecast(self) -> Forecast:
        """The rows take about what they take as text; indexes, and what compression hides, come on top."""
        stored = self._dump.size
        need = Need(self.inputs.directory, stored, stored * _UNPACKED)
        return Forecast((need,), ((LOADING, stored),))

    def prove(self, context: Context) -> Binaries:
        context.progress("reading the dump's table of contents")
        return self._look(context)

    def make(self, context: Context, cluster: Cluster, mark: Mark) -> Mark:
        if mark.phase == "ready":
            return mark
        mark = mark.at("loading").write()
        ours = replace(cluster, user=SUPERUSER)
        context.progress("making an empty cluster")
        initialising.initialise(ours, self._declared.checksums)
        initialising.closed_hba(ours)
        initialising.configure(ours, self.inputs.listen, bulk.settings(self._declared.jobs))
        configuring.start_and_wait(ours)
        with bulk.flushing(ours):
            self._loaded = self._fill(ours, context)
        context.progress("writing everything to disk")
        silence_subscriptions(ours, SUPERUSER)
        ours.stop()
        initialising.configure(ours, self.inputs.listen, {})
        bulk.sync(ours)
        return mark

    def settle(self, cluster: Cluster) -> State:
        configuring.write_hba(cluster, self.inputs)
        configuring.start_and_wait(cluster)
        cluster.reload()
        return {"quarantined": {"subscriptions": [], "libraries": []}}

    def outputs(self, mark: Mark) -> State:
        header = self._dump.header
        found = {"dumpOf": header.server, "dumpFormat": self._dump.format, "backup": str(self._dump.path)}
        return found | (self._loaded.outputs() if self._loaded else {})

    _loaded: Loaded | None = None

    @property
    def _declared(self) -> DumpOptions:
        return self.inputs.dump or DumpOptions()

    @property
    def _options(self) -> Options:
        said = self._declared
        return Options(
            jobs=said.jobs,
            role=said.role,
            no_owner=said.no_owner,
            schemas=tuple(said.schemas),
            tables=tuple(said.tables),
            roles=said.roles,
            create_roles=said.create_roles,
            accept=tuple(said.accept),
        )

    def _look(self, context: Context) -> Binaries:
        """All that is known before anything is made: format, version, whole or not, roles, locale."""
        self._dump = open_dump(Path(str(self.inputs.until.value)), context)
        binaries = binaries_for(self._dump)
        self._entries = chosen(self._dump, self._options, context)
        require_locales(self._database_options.locales)
        known = {SUPERUSER, self.inputs.source.user}
        people.require(people.wanted(self._entries, self._options), self._options, known)
        return binaries

    @property
    def _database_options(self) -> DatabaseOptions:
        found = needs.database_options(self._dump.entries)
        if not self._declared.locale:
            return found
        kept = {name: value for name, value in found.settings.items() if name == "ENCODING"}
        return replace(found, settings=kept | {"LOCALE": self._declared.locale})

    def _fill(self, cluster: Cluster, context: Context) -> Loaded:
        server = _target(cluster, "template1")
        self._make_user(server)
        owner = self._owner
        people.make([owner], server)
        create(self.inputs.source.database, owner, self._database_options, server)
        return load(self._dump, self._entries, server.to(self.inputs.source.database), self._options, context)

    @property
    def _owner(self) -> str:
        """Of the database: as the options say, else as the dump does, else the application's role."""
        options, owner = self._options, self._database_options.owner
        if options.role and options.no_owner:
            return options.role
        named = set(people.wanted(self._entries, options)) | {SUPERUSER, self.inputs.source.user}
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


def _target(cluster: Cluster, database: str) -> Target:
    parameters = {
        "host": str(cluster.socket_directory),
        "port": str(cluster.port),
        "user": cluster.user,
        "dbname": database,
    }
    return Target(parameters, cluster.binaries, bulk=True)
