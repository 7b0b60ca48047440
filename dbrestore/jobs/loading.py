"""A dump loaded by pods near the data: what each has to know, and the three Jobs one after the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass

from pydantic import Field

from dbrestore.handler import Context, State
from dbrestore.jobs.manifest import Work
from dbrestore.jobs.results import Result
from dbrestore.jobs.running import Running, require_access
from dbrestore.jobs.settings import Cluster
from dbrestore.logical.inputs import DumpInputs
from dbrestore.logical.ledger import Ledger, forget
from dbrestore.logical.parts import require_divisible
from dbrestore.logical.steps import DATA, FINISH, OBJECTS
from dbrestore.logical.target import Target
from problem import Misuse

VERB = "load"
URL, LOAD = "REFORGE_TARGET_URL", "REFORGE_LOAD"
"""The pods' variables: the database, and ``LoadWork`` as JSON."""


class LoadWork(DumpInputs):
    """What a pod has to know of a load, apart from where the database is."""

    without: list[int] = Field(default_factory=list)
    """Dump IDs of entries that are left out."""
    managed: list[str] = Field(default_factory=list)
    """See ``Target.managed``."""
    session: str = ""
    """See ``Target.session``."""
    lots: int
    """Into so many lots the tables are dealt."""

    @property
    def load(self) -> str:
        """The same for the same rows: by it a ledger knows its load."""
        text = json.dumps([self.place, self.schemas, self.tables, sorted(self.without)])
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class NearLoad:
    """One restore's dump, the database that it goes into, and the cluster whose pods load it."""

    name: str
    work: LoadWork
    url: str
    """The database as the pods reach it; a secret."""
    database: Target
    """The same as it is reached from here."""
    cluster: Cluster

    @property
    def ledger(self) -> Ledger:
        """What of it is done; it is there until ``run`` has told that all is."""
        return Ledger(self.database, self.work.load)

    def run(self, context: Context, done: Callable[[], None] = lambda: None) -> State:
        """Load it; what came of it, as outputs. A Problem is the pods' own, or ``runner-...``.

        ``done`` takes down that it is loaded, before the notes that say the same are dropped.
        """
        self.step(OBJECTS, 1, context)
        self.step(DATA, self.work.lots, context)
        [found] = self.step(FINISH, 1, context)
        done()
        forget(self.database)
        return found

    def step(self, step: str, pods: int, context: Context) -> list[Result]:
        """One of the three as a Job; what each of its pods gives."""
        known = {URL: self.url, LOAD: json.dumps(self.work.wire())}
        return Running(
            Work(self.name, VERB, step, known, pods), self.cluster, self._address, context
        ).results()

    @property
    def _address(self) -> str:
        said = self.database.parameters
        return f"{said.get('host')}:{said.get('port')}/{self.database.name}"


def require_loadable(place: str, form: str, cluster: Cluster, context: Context) -> None:
    """Whether pods could load it; asked before an instance is made for it.

    Misuse ``dump-out-of-reach`` or ``dump-not-divisible``; what the cluster says where it does not let us in.
    """
    require_in_a_store(place)
    require_divisible(place, form)
    require_access(cluster, context)


def require_in_a_store(place: str) -> None:
    """Misuse ``dump-out-of-reach`` for a dump on this machine, which no pod can read."""
    if "://" not in place:
        what = f"The dump {place} lies on this machine, and the runner's pods cannot read it."
        cure = "Copy it into an object store and name it by its URL, or take `runner` out of the config."
        raise Misuse("dump-out-of-reach", what, cure)


def lots_of(cluster: Cluster, tables: Collection[object]) -> int:
    """No more pods than there are tables."""
    return max(1, min(cluster.shards, len(tables)))
