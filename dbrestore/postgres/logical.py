"""An instance made from a dump: a new cluster, an empty database in it, the dump loaded, made durable."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from dbrestore.forecast import Forecast
from dbrestore.handler import Context, State
from dbrestore.logical import people
from dbrestore.logical.database import require_locales
from dbrestore.logical.fetching import FETCHING, Store
from dbrestore.logical.load import Loaded
from dbrestore.logical.opening import binaries_for, chosen, open_dump, require_installed
from dbrestore.logical.reading import Dump
from dbrestore.logical.tabledata import LOADING
from dbrestore.postgres import bulk, configuring, durability, initialising
from dbrestore.postgres.cluster import Cluster
from dbrestore.postgres.filling import SUPERUSER, Filling
from dbrestore.postgres.inputs import DumpOptions
from dbrestore.postgres.making import Making
from dbrestore.postgres.mark import Mark
from dbrestore.postgres.recovery import silence_subscriptions
from dbrestore.space import Need
from toolchain.accounts import Account, account, server_account
from toolchain.postgres import Binaries

FETCHED = "reforge-dump"
"""In the data directory while it is loaded, so that it goes with whatever is half-made."""
_EMPTY = 40 * 1024**2
"""Bytes of a cluster that holds nothing yet: its three databases, and the first WAL segment."""


class Logical(Making):
    """The phase ``loading``. Half a load is worth nothing: the next run makes it anew."""

    continued: ClassVar = frozenset({"ready"})
    _filling: Filling
    _loaded: Loaded | None = None
    _silenced: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        how = self._said.model_dump(include={"schemas", "tables"}, exclude_defaults=True)
        part = "".join(f" {kind} {', '.join(names)}" for kind, names in how.items())
        return f"dump {self._place}{part}"

    def account(self) -> Account | None:
        if os.geteuid() != 0:
            return None
        return account(self.inputs.run_as) if self.inputs.run_as else server_account()

    def examine(self, context: Context) -> None:
        self._look(context)
        of, as_ = self._filling.dump.header.database, self.inputs.source.database
        if of and of != as_:
            context.note(f"The dump is of the database {of}; what it holds is loaded into {as_}.")

    def forecast(self) -> Forecast:
        """Rows take about what they take as text; indexes, and what compression hides, come on top.

        What initdb makes comes first, however small the dump is; WAL of the load goes again at its end.
        """
        stored = self._filling.dump.size
        fetched = stored if self._store else 0
        grown = self._filling.dump.unpacked
        wal = min(grown, bulk.WAL_SIZE)
        need = Need(self.inputs.directory, _EMPTY + stored + fetched, grown + wal)
        return Forecast((need,), ((FETCHING, fetched), (LOADING, stored)))

    def prove(self, context: Context) -> Binaries:
        """Roles, extensions, locale and completeness are known before anything is made.

        Of a dump in an object store that is what its first bytes tell; the rest once it is here.
        """
        context.progress("reading the dump's table of contents")
        return self._look(context)

    def make(self, context: Context, cluster: Cluster, mark: Mark) -> Mark:
        if mark.phase == "ready":
            return mark
        mark = mark.at("loading").write()
        fetched = cluster.directory / FETCHED
        if self._store:
            self._examine(open_dump(self._store.fetch(fetched, context), context), context)
        ours = replace(cluster, user=SUPERUSER)
        context.progress("making an empty cluster")
        initialising.initialise(ours, self._said.checksums)
        initialising.closed_hba(ours)
        initialising.configure(ours, self.inputs.listen, bulk.settings(self._said.jobs))
        configuring.start_and_wait(ours)
        with bulk.flushing(ours):
            self._loaded = self._filling.fill(ours, context)
        self._make_durable(ours, context)
        shutil.rmtree(fetched, ignore_errors=True)
        return mark

    def settle(self, cluster: Cluster) -> State:
        configuring.write_hba(cluster, self.inputs)
        configuring.start_and_wait(cluster)
        cluster.reload()
        return {"quarantined": {"subscriptions": list(self._silenced), "libraries": []}}

    def outputs(self, mark: Mark) -> State:
        dump = self._filling.dump
        found = {"dumpOf": dump.header.server, "dumpFormat": dump.format, "backup": self._place}
        return found | (self._loaded.outputs() if self._loaded else {})

    def _make_durable(self, cluster: Cluster, context: Context) -> None:
        """A clean stop, the settings of every day, everything on disk: only then is it more than a try."""
        context.progress("writing everything to disk")
        self._silenced = tuple(silence_subscriptions(cluster, SUPERUSER))
        cluster.stop()
        initialising.configure(cluster, self.inputs.listen, {})
        durability.sync([cluster.directory])

    @property
    def _said(self) -> DumpOptions:
        return self.inputs.dump or DumpOptions()

    @property
    def _place(self) -> str:
        return str(self.inputs.until.value)

    @cached_property
    def _store(self) -> Store | None:
        """The object store that it lies in, if it lies in one."""
        if "://" not in self._place:
            return None
        return Store(self._place, self.inputs.source.storage_options)

    def _look(self, context: Context) -> Binaries:
        store = self._store
        dump = store.peek() if store else open_dump(Path(self._place), context)
        return self._examine(dump, context)

    def _examine(self, dump: Dump, context: Context) -> Binaries:
        """All that is known before anything is made: version, roles, extensions, locale."""
        binaries, options = binaries_for(dump), self._said.options
        unseen = not dump.entries and dump.url
        self._filling = Filling(self.inputs, dump, () if unseen else chosen(dump, options, context))
        require_installed(self._filling.entries, binaries)
        require_locales(self._filling.database.locales)
        wanted = people.wanted(self._filling.entries, options)
        people.require(wanted, options, self._filling.known_roles)
        return binaries
