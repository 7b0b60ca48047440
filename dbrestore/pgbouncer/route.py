"""``dbrestore:pgbouncer:Route``: where the clients of a database are sent, on every process."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from dbrestore import files
from dbrestore.handler import Context, Handler, PartlyMade, State
from dbrestore.pgbouncer.console import Console
from dbrestore.pgbouncer.fleet import Fleet, Shown, StepFailed
from dbrestore.pgbouncer.inifile import Address, Entry, find_entry
from dbrestore.pgbouncer.inputs import RouteInputs, Timeouts
from dbrestore.pgbouncer.probe import probe_port, probe_url
from dbrestore.pgbouncer.promoted import PromotingSwap
from dbrestore.pgbouncer.swap import Edit, Swap
from dbrestore.replica.aftermath import aftermath
from dbrestore.replica.promoting import Promoting
from problem import Problem

_EACH = (
    "Name each process by its own unix_socket_dir in `admin`: "
    "postgresql://ADMIN:PASSWORD@%2Frun%2Fpgbouncer-1:PORT/pgbouncer"
)


@dataclass(frozen=True)
class _Outcome:
    before: Address
    stall_ms: float | None
    """None when everything pointed there already."""
    promoted_at: str = ""
    """The position up to which a standby had replayed when it was promoted."""
    unfinished: Problem | None = None
    """What failed once clients had been let to the new server."""


class Route(Handler):
    """See ``RouteInputs``. The identity is the database's name and the places of the processes.

    State besides the inputs: ``previous`` (before the last swap), ``original`` (before we ever touched
    it), ``stallMs`` (of the last swap), ``promotedAt`` (what a standby had replayed when that swap promoted
    it) and ``paused`` (somebody left it paused).
    """

    resource_type = "dbrestore:pgbouncer:Route"
    inputs = RouteInputs
    secrets = frozenset({"admins", "url", "promotion"})
    fixed: ClassVar[Mapping[str, str]] = {
        "database": "a route is of one database; add another endpoint for another one"
    }

    def create(self, context: Context, inputs: RouteInputs) -> tuple[str, State]:
        places = ",".join(Console(url).place for url in inputs.admins)
        identity = f"{inputs.database}@{places}"
        return identity, self.update(context, identity, {}, inputs)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        if not state:
            return None
        with closing(Fleet(state["admins"], state["database"])) as fleet:
            fleet.open()
            shown = list(_shown(fleet).values())
        declared = Address(state["host"], int(state["port"]), state.get("dbname", shown[0].address.dbname))
        astray = next((one.address for one in shown if one.address != declared), declared)
        now = {key: value for key, value in asdict(astray).items() if key in state}
        return {**state, **now, "paused": any(one.paused for one in shown)}

    def update(self, context: Context, identity: str, state: State, inputs: RouteInputs) -> State:
        outcome = _point(context, inputs)
        before = asdict(outcome.before)
        learnt = {
            "original": state.get("original", before),
            "previous": state.get("previous", before),
            "stallMs": state.get("stallMs", 0),
            "paused": outcome.unfinished is not None,
        }
        if outcome.stall_ms is not None:
            learnt |= {"previous": before, "stallMs": round(outcome.stall_ms, 1)}
        if promoted_at := outcome.promoted_at or state.get("promotedAt"):
            learnt["promotedAt"] = promoted_at
        now = {**inputs.wire(), **learnt}
        if outcome.unfinished is not None:
            raise PartlyMade(outcome.unfinished, identity, now) from outcome.unfinished
        return now

    def delete(self, context: Context, identity: str, state: State) -> None:
        """The application goes on where it is: no longer managing a route moves nobody."""

    def drift(self, state: State, inputs: object) -> frozenset[str]:
        return frozenset({"paused"} if state.get("paused") else ())


def _point(context: Context, inputs: RouteInputs) -> _Outcome:
    """Make every process send the database to where ``inputs`` say."""
    with ExitStack() as stack:
        fleet = stack.enter_context(closing(Fleet(inputs.admins, inputs.database)))
        promotion = (
            stack.enter_context(closing(Promoting(inputs.promotion, context))) if inputs.promotion else None
        )
        fleet.open()
        _shown(fleet)
        conffiles = [Path(name) for name in inputs.conffiles()] or fleet.conffiles()
        with files.exclusive(conffiles):
            shown = _shown(fleet)
            entries = [find_entry(path, inputs.database) for path in conffiles]
            before = _before(inputs, shown)
            new = Address(inputs.host, inputs.port, inputs.dbname or before.dbname)
            arrived = all(where == new for where in _addresses(shown, entries))
            if arrived and (promotion is None or not promotion.due):
                if others := fleet.beside():
                    context.note(f"{others} {_EACH}")
                return _already(fleet, shown, before)
            _require_all(fleet)
            _probe(inputs, fleet, context)
            edits = _edits(entries, list(shown.values()), new)
            if promotion is not None:
                promotion.prepare(resuming=any(where == new for where in _addresses(shown, entries)))
            swap = _swap(fleet, edits, new, inputs.timeouts, promotion)
            try:
                stall_ms = swap.run(context.progress, context.cancelled)
            except Problem as problem:
                if not swap.moved:
                    raise
                return _Outcome(before, 0, promotion.position if promotion else "", problem)
        held = (
            f"pgbouncer {inputs.database}: now at {new.host}:{new.port}; clients were held {stall_ms:.0f} ms"
        )
        if promotion is None:
            context.progress(held)
            return _Outcome(before, stall_ms)
        for line in (f"{held} while {promotion.parties.replica} was promoted", *aftermath(promotion)):
            context.note(line)
        return _Outcome(before, stall_ms, promotion.position)


def _swap(
    fleet: Fleet, edits: list[Edit], new: Address, timeouts: Timeouts, promotion: Promoting | None
) -> Swap:
    if promotion is None:
        return Swap(fleet, edits, new, timeouts)
    return PromotingSwap(fleet, edits, new, timeouts, promotion)


def _shown(fleet: Fleet) -> dict[Console, Shown]:
    try:
        return fleet.shown()
    except StepFailed as error:
        cure = "Look at that pgbouncer's log, then run the same command again."
        raise Problem("pgbouncer-unanswering", f"{error}.", cure) from error


def _require_all(fleet: Fleet) -> None:
    """Problem ``pgbouncer-shares-port`` where clients of another process would stay where they are."""
    if others := fleet.beside():
        raise Problem("pgbouncer-shares-port", others, f"No client was held. {_EACH}")


def _before(inputs: RouteInputs, shown: Mapping[Console, Shown]) -> Address:
    """Where clients were sent: of processes that differ, the first that is not where we want it."""
    addresses = [one.address for one in shown.values()]
    wanted = (inputs.host, inputs.port)
    return next((one for one in addresses if (one.host, one.port) != wanted), addresses[0])


def _already(fleet: Fleet, shown: Mapping[Console, Shown], before: Address) -> _Outcome:
    """Everything points there. A process that somebody left paused is resumed, nobody is paused."""
    if any(one.paused for one in shown.values()):
        left = fleet.release(timeout=10, settle=0)
        if left:
            places = "; ".join(f"{place}: {why}" for place, why in left.items())
            what = f"{fleet.database} is paused and could not be resumed: {places}."
            raise Problem("still-paused", what, f"On its admin console type: RESUME {fleet.database}")
    return _Outcome(before, None)


def _probe(inputs: RouteInputs, fleet: Fleet, context: Context) -> None:
    """Refusal ``target-refuses`` or ``target-in-recovery`` where clients would not be served."""
    if inputs.url:
        by_socket = inputs.host.startswith("/")
        wanted = [{} if by_socket else one for one in fleet.encryption()]
        if not all([probe_url(inputs.url, inputs.promotion is not None, one) for one in wanted]):
            where = f"{inputs.host}:{inputs.port}"
            why = "default_transaction_read_only is on for its role, its database or the server"
            context.note(f"The application can only read on {where}: {why}.")
    else:
        probe_port(inputs.host, inputs.port)


def _edits(entries: list[Entry], shown: list[Shown], new: Address) -> list[Edit]:
    """One edit a file: several processes may share one."""
    by_file = {
        entry.path.resolve(): Edit(entry, new, one.address) for entry, one in zip(entries, shown, strict=True)
    }
    return list(by_file.values())


def _addresses(shown: Mapping[Console, Shown], entries: list[Entry]) -> list[Address]:
    """All that is said of where clients go: by the processes, and by the files they read next."""
    return [one.address for one in shown.values()] + [entry.address for entry in entries]
