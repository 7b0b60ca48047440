"""A dump loaded by plain values: no engine and no plugin is needed, any server and any caller will do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dbrestore.handler import Context, State
from dbrestore.loading.database import LOADED, LOADING, Place
from dbrestore.loading.inputs import Loading
from dbrestore.loading.platforms import STRONG
from dbrestore.logical import needs, people
from dbrestore.logical.complaints import Complaint, judge
from dbrestore.logical.entrance import why_shut
from dbrestore.logical.entries import Entry
from dbrestore.logical.leaving import acts_by_itself
from dbrestore.logical.ledger import forget
from dbrestore.logical.load import load
from dbrestore.logical.opening import binaries_for
from dbrestore.logical.origin import Origin
from dbrestore.logical.reading import Dump
from dbrestore.logical.rows import rows_of
from dbrestore.logical.target import Target
from dbrestore.waiting import Patience, until
from problem import Problem
from toolchain.postgres import find_binaries

ENTRY_SECONDS = 120.0
"""An instance's name and its rules of access may be known some time after the cloud calls it available."""
_STRONG = """
    SELECT rolsuper OR EXISTS (SELECT FROM pg_roles r WHERE rolname IN ({}) AND pg_has_role(r.oid, 'MEMBER'))
      FROM pg_roles WHERE rolname = current_user
"""


@dataclass(frozen=True)
class Portion:
    """The entries that are loaded, and in words what is left out although the dump has it."""

    entries: tuple[Entry, ...]
    left: tuple[str, ...]


def load_dump(said: Loading, context: Context) -> State:
    """Load the dump into its database; what came of it, as outputs. Already loaded is fine.

    A load that was ended midway is begun anew: its database bears our mark, and goes. Problem
    ``load-no-entry``, ``interrupted`` or ``restore-incomplete``; a Refusal for what is known beforehand.
    """
    begun, target = datetime.now(UTC), Target.of_url(said.url, find_binaries())
    place = Place(said, target)
    require_entry(place.server, context)
    phase = place.phase()
    if phase == LOADED:
        forget(place.target)  # what pods noted, where a kill came between
        return {"status": LOADED}
    if said.runner is None:
        found = _fill(place, context)
    else:
        from dbrestore.loading.near import fill_near  # only stacks with a runner need it

        found = fill_near(place, said.runner, context)
    return {**found, "status": LOADED, "loadedInSeconds": (datetime.now(UTC) - begun).total_seconds()}


def _fill(place: Place, context: Context) -> State:
    if place.phase() == LOADING:
        context.progress("clearing half a load of an earlier run")
    with Origin(place.said, context).whole() as (dump, entries):
        target = replace(place.target, binaries=binaries_for(dump))
        return _filled(replace(place, target=target), dump, entries, context)


def _filled(place: Place, dump: Dump, entries: Sequence[Entry], context: Context) -> State:
    said, options = place.said, place.said.options
    portion = portion_of(place.server, entries, said, lambda entry: rows_of(dump, entry))
    for line in portion.left:
        context.note(f"left out: {line}")
    admit(said, place.server)
    place.prepare(entries)
    loaded = load(dump, portion.entries, place.target, options, context)
    place.mark(LOADED)
    return {**loaded.outputs(), "left": list(portion.left), "dumpOf": dump.header.server}


def require_entry(server: Target, context: Context) -> None:
    """Wait until the server lets us in; Problem ``load-no-entry`` after the limit."""
    said = [""]

    def look() -> bool | None:
        said[0] = why_shut(server.parameters)
        return None if said[0] else True

    def late() -> Problem:
        place = f"{server.parameters.get('host')}:{server.parameters.get('port', 5432)}"
        cure = "Add this machine's network to `operators`, then run the same command again: it goes on."
        return Problem("load-no-entry", f"{place} does not let the load in: {said[0]}", cure)

    until(look, late, Patience("the instance", ENTRY_SECONDS), context)


def admit(said: Loading, server: Target) -> None:
    """The application's role with its password; who loads has its own already."""
    if said.user and said.user != server.parameters.get("user"):
        people.make([said.user], server)
        people.let_in(said.user, said.password, server)


def portion_of(
    server: Target, entries: Sequence[Entry], said: Loading, rows: Callable[[Entry], int]
) -> Portion:
    """What is loaded; ``rows`` counts those of a table.

    Problem ``restore-incomplete`` for what cannot be and nobody accepted, by its name.
    """
    lost = _lost(server, entries)
    judge([*lost, *people.unowned(entries, said.options, server)], said.accept)
    labels, left = {one.label for one in lost}, dict[str, str]()
    for entry in entries:
        if (why := acts_by_itself(entry)) and (entry.kind != "TABLE DATA" or rows(entry)):
            left[entry.label] = why
    taken = (one for one in entries if not acts_by_itself(one) and one.label not in labels)
    return Portion(tuple(taken), tuple(f"{label}: {why}" for label, why in left.items()))


def _lost(server: Target, entries: Sequence[Entry]) -> list[Complaint]:
    """Extensions that the server lacks; event triggers, where nobody loads who may make them."""
    [(strong,)] = server.rows(_STRONG.format(", ".join(f"'{role}'" for role in STRONG)))
    available = {str(row[0]) for row in server.rows("SELECT name FROM pg_available_extensions")}
    found = []
    for entry in entries:
        if entry.kind == "EVENT TRIGGER" and not strong:
            found.append(
                Complaint("lossy", entry.label, "needs a superuser, which this server does not give")
            )
        elif entry.kind == "EXTENSION" and not available.issuperset(needs.extensions([entry])):
            found.append(Complaint("lossy", entry.label, "the server does not have it"))
    return found
