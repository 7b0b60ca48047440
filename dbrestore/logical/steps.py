"""A load in three steps, each begun anew by whoever comes after a kill: objects, rows by shards, the rest.

The same passes as ``dbrestore.logical.load`` makes in one process; between them the ledger keeps what the
next step has to know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from dbrestore.handler import Context
from dbrestore.logical.archives import Passes
from dbrestore.logical.clearing import clear, inventory
from dbrestore.logical.complaints import Complaint
from dbrestore.logical.entries import Entry
from dbrestore.logical.ledger import Ledger
from dbrestore.logical.load import Loaded, prepare, settle
from dbrestore.logical.options import Options
from dbrestore.logical.reading import Dump
from dbrestore.logical.shards import shards
from dbrestore.logical.target import Target
from problem import Problem

OBJECTS, DATA, FINISH = "objects", "data", "finish"
STEPS = (OBJECTS, DATA, FINISH)
_BROUGHT = "brought"
"""In the ledger once all rows are there: indexes and keys are made after it."""
_SETTLED = "settled"
"""In the ledger, of a load of which nothing is left to do; FINISH stands there as soon as that is begun."""
_MADE_BEFORE = re.compile(r"already exists|already (?:a )?member of publication|multiple primary keys")


@dataclass(frozen=True)
class Steps:
    """One dump's way into one empty database; ``identity`` is the same in all its steps."""

    dump: Dump
    chosen: Sequence[Entry]
    target: Target
    options: Options
    context: Context
    identity: str

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.target, self.identity)

    @cached_property
    def passes(self) -> Passes:
        return Passes(self.dump, self.chosen, self.target, self.options, self.context)

    def objects(self) -> Mapping[str, Any]:
        """Make what the rows need, once the database was proven empty; gives how many objects there are."""
        ledger = self.ledger
        if not ledger.there():
            self.target.require_empty()
            roles = [str(row[0]) for row in self.target.rows("SELECT rolname FROM pg_roles")]
            ledger.open({**inventory(self.target), "roles": roles})
        elif done := ledger.facts(OBJECTS):
            return {"objects": done["objects"]}
        else:
            self.context.progress("clearing half-made work of an earlier try")
            ledger.alone(OBJECTS)
            clear(ledger.before, self.target)
        prepare(self.chosen, self.target, self.options)
        complaints = [asdict(one) for one in self.passes.make()]
        made = {"objects": len(self.passes.before), "complaints": complaints}
        ledger.finish(OBJECTS, made)
        return {"objects": made["objects"]}

    def lot(self, index: int, count: int, size: Callable[[Entry], int]) -> list[Entry]:
        """The tables that one of ``count`` loaders brings, by the bytes of each."""
        return shards(self.passes.tables, size, count)[index]

    def left(self, lot: Sequence[Entry]) -> list[Entry]:
        """Those that are not loaded yet, once whoever was at them before is gone.

        Problem ``load-step-missing`` where the objects are not made.
        """
        ledger = self._begun()
        ledger.alone("this lot")
        done = ledger.loaded()
        return [one for one in lot if one.number not in done]

    def fill(self, tables: Sequence[Entry]) -> None:
        """Load some tables of a lot, each with its note; what another has loaded meanwhile is passed over."""
        self.passes.fill(tables, noted=True)

    def filled(self, lot: Sequence[Entry]) -> Mapping[str, Any]:
        """The lot's tables and rows, whoever has loaded them."""
        done = self.ledger.loaded()
        return {"tables": len(lot), "rows": sum(done[one.number] for one in lot)}

    def finish(self) -> Mapping[str, Any]:
        """Indexes, constraints, grants, statistics; whether all is there. What came of it, however often.

        The ledger stays, so that who comes back late finds all done; who ordered the load drops it.
        """
        ledger = self._begun()
        ledger.alone(FINISH)
        if settled := ledger.facts(_SETTLED):
            return settled
        done = ledger.loaded()
        if missing := [one.label for one in self.passes.tables if one.number not in done]:
            raise Problem("rows-missing", f"Not loaded yet: {', '.join(missing[:5])}.")
        found = Loaded({one.label: done[one.number] for one in self.passes.tables})
        found.complaints = [Complaint(**one) for one in (ledger.facts(OBJECTS) or {})["complaints"]]
        found.complaints += self._build(ledger)
        found.roles_made = self._roles_made(ledger)
        settle(self.chosen, self.target, self.options, found, self.context)
        ledger.finish(_SETTLED, found.outputs())
        return found.outputs()

    def _build(self, ledger: Ledger) -> list[Complaint]:
        """Where an earlier try was begun, the server refuses to make again what that has made."""
        began_before = ledger.facts(FINISH) is not None
        ledger.finish(FINISH, {})
        complaints = self._brought(ledger, began_before)
        complaints += self.passes.build()
        return [one for one in complaints if not (began_before and _MADE_BEFORE.search(one.said))]

    def _brought(self, ledger: Ledger, began_before: bool) -> list[Complaint]:
        """The data that is not copied, once; what came of it."""
        if done := ledger.facts(_BROUGHT):
            return [Complaint(**one) for one in done["complaints"]]
        if began_before:
            self.passes.empty()
        complaints = self.passes.bring()
        ledger.finish(_BROUGHT, {"complaints": [asdict(one) for one in complaints]})
        return complaints

    def _roles_made(self, ledger: Ledger) -> list[str]:
        before = set(ledger.before["roles"])
        now = {str(row[0]) for row in self.target.rows("SELECT rolname FROM pg_roles")}
        return sorted(now - before)

    def _begun(self) -> Ledger:
        ledger = self.ledger
        if not ledger.there() or ledger.facts(OBJECTS) is None:
            what = f"The objects of {self.dump.place} were not made in {self.target.name} yet."
            raise Problem("load-step-missing", what, "Load it from its first step on.")
        return ledger
