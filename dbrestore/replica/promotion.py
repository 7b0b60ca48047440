"""``dbrestore:replica:Promotion``: a standby of the original that serves once it is promoted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, ClassVar

from psycopg.conninfo import conninfo_to_dict

from archive.standing import connect, dependents, mapped, standing
from dbrestore.handler import Context, Handler, State
from dbrestore.replica import proof
from dbrestore.replica.aftermath import aftermath
from dbrestore.replica.inputs import PromotionInputs
from dbrestore.replica.original import Original
from dbrestore.replica.promoting import Promoting, lift
from problem import Problem, Refusal

_LOOKED_AT = ("host", "boundPort", "systemIdentifier", "inRecovery", "timeline")
_ADD_ANOTHER = "a restore keeps its standby; add another restore for another one"


class Promotion(Handler):
    """See ``PromotionInputs``. The identity is the restore's name; no data of the standby is ever removed.

    State besides the inputs: ``host``, ``boundPort``, ``systemIdentifier``; ``inRecovery`` and ``timeline``
    as last looked at; ``fenceBefore``, what ALTER SYSTEM said on the original before our fence.
    """

    resource_type = "dbrestore:replica:Promotion"
    inputs = PromotionInputs
    secrets = frozenset({"url", "sourceUrl", "adminUrl", "others"})
    fixed: ClassVar = {"name": _ADD_ANOTHER, "replica": _ADD_ANOTHER}

    def examine(self, context: Context, inputs: PromotionInputs) -> None:
        """Refuse what is no standby of the original; tell how far it is and what hangs on it."""
        if inputs.serving == inputs.name and inputs.by == "itself":
            what = (
                f"{inputs.name} is to serve in the same step that names it, and no pgbouncer holds clients."
            )
            raise Refusal("promotion-too-early", what, "Restore it first, then cut over.")
        for line in _looked(inputs):
            context.note(line)

    def create(self, context: Context, inputs: PromotionInputs) -> tuple[str, State]:
        _looked(inputs)  # what it says a preview has told
        return inputs.name, self.update(context, inputs.name, {}, inputs)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        if not state:
            return None
        try:
            return state | _seen(state["url"], state["replica"])
        except Problem as problem:  # a server that is down is no reason to forget it
            context.note(problem.what)
            return state

    def update(self, context: Context, identity: str, state: State, inputs: PromotionInputs) -> State:
        learnt = {"fenceBefore": state["fenceBefore"]} if "fenceBefore" in state else {}
        serves = inputs.serving == inputs.name
        if serves and state.get("serving") != inputs.name:
            learnt |= self._before(context, state, inputs)
        if inputs.serving == "source" and "fenceBefore" in learnt:
            context.progress("lifting the fence of the original")
            lift(inputs.parties(), learnt.pop("fenceBefore") or None)
        return inputs.wire() | _known(context, state, inputs) | learnt

    def delete(self, context: Context, identity: str, state: State) -> None:
        """Forget it. Its server and its data are somebody else's: they stay."""
        if state.get("serving") == identity:
            what = f"{identity} serves the application; it is not forgotten."
            raise Refusal("still-serving", what, "Roll back or cut over to another instance first.")
        context.note(_remains(state))

    def _before(self, context: Context, state: State, inputs: PromotionInputs) -> State:
        """What must hold before anything points to it, and the promotion where no route can hold clients."""
        with closing(Promoting(inputs.parties(), context)) as promoting:
            standby = promoting.due
            if standby:
                _refuse_writers(inputs, state)
            elif inputs.by == "pgbouncer":
                return {}  # the route knows whether it has been there
            promoting.prepare(resuming=_was_killed(promoting, state))
            learnt = {"fenceBefore": promoting.fence_before or ""} if inputs.fence else {}
            if inputs.by == "itself" and standby:
                _promote(context, promoting)
        return {**learnt, **{key: state[key] for key in learnt if key in state}}


def _was_killed(promoting: Promoting, state: State) -> bool:
    """Whether it was promoted in a run that did not live to say so, with nothing written anywhere since."""
    promoting.original.open()
    return bool(state.get("inRecovery")) and promoting.untouched


def _refuse_writers(inputs: PromotionInputs, state: State) -> None:
    """Refusal where somebody could write to the original after its last WAL has left it."""
    stopped = inputs.writing == "none" and (inputs.by == "pgbouncer" or state.get("writing") == "none")
    if stopped or (inputs.by == "pgbouncer" and (inputs.alone or inputs.fence)):
        return
    what = (
        f"Not everything that writes to the original goes through one pgbouncer: what is written there while "
        f"{inputs.replica} is promoted would be lost."
    )
    raise Refusal("writers-not-stopped", what, "Stop the writers first: reforge pause --yes")


def _promote(context: Context, promoting: Promoting) -> None:
    """Promote with all writers stopped; the endpoints move afterwards."""
    if writers := promoting.original.writers():
        what = f"Somebody is writing to the original still: {', '.join(writers)}."
        raise Refusal("writers-not-stopped", what, "End them, then run the same command again.")
    context.progress(f"promoting {promoting.parties.replica}")
    try:
        promoting.carry_out(lambda _step: None)
    except Problem as problem:
        left = promoting.undo()
        raise Problem(problem.name, f"{problem.what} {left}".strip(), problem.cure) from problem
    context.note(f"{promoting.parties.replica} was promoted; it had replayed {promoting.position}.")
    for line in aftermath(promoting):
        context.note(line)


def _looked(inputs: PromotionInputs) -> list[str]:
    """Prove that it is a standby of the original; what its reader should know of both."""
    with (
        closing(connect(inputs.url, inputs.replica)) as standby,
        closing(Original(inputs.parties())) as original,
        mapped(f"Looking at {inputs.replica}"),
    ):
        original.open()
        now, source = standing(standby), original.standing()
        proof.prove(inputs.replica, now, source)
        if source is None:
            return [proof.accepted_silence(inputs.parties(), now)]
        found = [proof.distance(inputs.replica, now, source)]
        found += proof.on_standby(inputs.replica, now, dependents(standby))
        return found + list(_of_source(inputs.replica, original))


def _of_source(replica: str, original: Original) -> Iterator[str]:
    if hangs := original.dependents():
        yield from proof.on_source(replica, hangs, original.unlogged())


def _known(context: Context, state: State, inputs: PromotionInputs) -> State:
    """As looked at now. Whoever leaves a server that has died goes by what was seen of it before."""
    try:
        return _seen(inputs.url, inputs.replica)
    except Problem as problem:
        if not state or inputs.serving == inputs.name:
            raise
        context.note(problem.what)
        return {name: state[name] for name in _LOOKED_AT}


def _seen(url: str, replica: str) -> State:
    """What is learnt of the standby by looking."""
    at = conninfo_to_dict(url)
    with closing(connect(url, replica)) as standby, mapped(f"Looking at {replica}"):
        now = standing(standby)
    return {
        "host": str(at.get("host") or at.get("hostaddr") or "localhost"),
        "boundPort": int(at.get("port") or 5432),
        "systemIdentifier": now.system_identifier,
        "inRecovery": now.in_recovery,
        "timeline": now.timeline,
    }


def _remains(state: dict[str, Any]) -> str:
    replica = state["replica"]
    try:
        seen = _seen(state["url"], replica)
    except Problem as problem:
        return f"{replica} is forgotten and untouched. {problem.what}"
    if seen["inRecovery"]:
        return f"{replica} is forgotten; it goes on as a standby, untouched."
    return (
        f"{replica} is forgotten and left running as a primary at {seen['host']}:{seen['boundPort']}, on "
        f"timeline {seen['timeline']}: stop it, or rebuild it as a standby of what serves."
    )
