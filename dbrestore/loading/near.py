"""A dump loaded by pods near the data: prepared as a load from here is, and no row of it comes by here."""

from __future__ import annotations

from dbrestore.handler import Context, State
from dbrestore.jobs.loading import LoadWork, NearLoad, lots_of, require_in_a_store
from dbrestore.jobs.settings import Cluster
from dbrestore.loading.database import LOADED, LOADING, Place
from dbrestore.loading.loading import admit, portion_of
from dbrestore.logical.entries import Entry
from dbrestore.logical.fetching import Store
from dbrestore.logical.opening import chosen
from dbrestore.logical.parts import Parts
from problem import Refusal

_EMPTY = 64
"""Bytes that the data of a table without a row takes at most, whatever packs it."""


def fill_near(place: Place, cluster: Cluster, context: Context) -> State:
    """Load it, or go on where pods of an earlier run were; what came of it, as outputs.

    Misuse ``dump-out-of-reach`` or ``dump-not-divisible``; a Problem of the pods', or ``runner-...``.
    """
    said = place.said
    require_in_a_store(said.place)
    parts = Parts(Store(said.place, said.storage))
    entries, sizes = chosen(parts.dump, said.options, context), parts.sizes

    def rows(entry: Entry) -> int:
        return int(sizes.get(entry.number, _EMPTY + 1) > _EMPTY)

    portion = portion_of(place.server, entries, said, rows)
    for line in portion.left:
        context.note(f"left out: {line}")
    kept = {one.number for one in portion.entries}
    known = {name: getattr(said, name) for name in LoadWork.model_fields if hasattr(said, name)}
    tables = [one for one in portion.entries if one.kind == "TABLE DATA"]
    without = [one.number for one in parts.dump.entries if one.number not in kept]
    work = LoadWork(**known, without=without, lots=lots_of(cluster, tables))
    admit(said, place.server)
    near = NearLoad(said.name, work, said.url, place.target, cluster)
    if not _under_way(place, near):
        place.prepare(entries)
    found = near.run(context, lambda: place.mark(LOADED))
    return {**found, "left": list(portion.left), "dumpOf": parts.dump.header.server}


def _under_way(place: Place, near: NearLoad) -> bool:
    """Whether pods have begun just this load; of a database that bears our mark, anything else may go."""
    if place.phase() != LOADING:
        return False
    try:
        return near.ledger.there()
    except Refusal:
        return False
