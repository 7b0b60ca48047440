"""The kind of resource that is one value in a place of somebody else's.

The place was there before us and stays when we go: no longer managing a value changes nothing, because the
application goes on with what it has. Rolling back is an update that writes the original.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from dbrestore.entries.place import Held, Moved, Place
from dbrestore.handler import Context, Handler, Inputs, PartlyMade, State
from problem import Problem, Refusal

_ROUNDS = 8
"""How often a place that others write to at the same time is read anew."""


class ValueInputs(Inputs):
    """Base of the inputs of an entry that has the wanted value as an input."""

    value: str
    shown: str | None = None
    """What a reviewer sees of a secret value in a diff; nothing is done with it."""


class KeptInputs(Inputs):
    """Base of the inputs of an entry that, without a value, keeps or gets back what was there before us."""

    value: str | None = None
    shown: str | None = None
    """As of ``ValueInputs``."""


class EntryHandler(Handler):
    """State besides the inputs: ``original`` (before we ever touched it) and ``previous``.

    Nothing is written while the place has the wanted value already. Refusal "changed-meanwhile" where it has
    neither that one nor the one we last knew of.
    """

    secrets = frozenset({"value", "original", "previous"})
    present: ClassVar[str] = "value"
    """The wire name under which the state keeps what the place holds."""
    adopts: ClassVar[bool] = False
    """Whether what others changed while we were at rest is the original, without being asked about."""

    @abstractmethod
    def place(self, context: Context, inputs: Any, state: State) -> Place:
        """Where the value lives; ``state`` is what we knew of it before, empty at its create."""

    @abstractmethod
    def identity(self, inputs: Any) -> str:
        """The resource's identity: which value of which place."""

    def wanted(self, inputs: Any, original: str | None) -> str:
        """The value that the place shall hold; ``original`` is what it had before we ever touched it."""
        value: str = inputs.value
        return value

    def rests(self, state: State) -> bool:
        """Whether what is there is the owner's alone: then a refresh takes it for the original."""
        return False

    def create(self, context: Context, inputs: Any) -> tuple[str, State]:
        place = self.place(context, inputs, {})
        original = _original(self, place, inputs)
        wanted = self.wanted(inputs, original)
        before = _bring(place, wanted, None, original)
        place.finish()
        previous = original if before == wanted else before
        return self.identity(inputs), self._state(inputs, original, previous) | place.learnt

    def read(self, context: Context, identity: str, state: State) -> State | None:
        if not state:
            return None
        held = self.place(context, self._declared(state), state).read()
        if held is None or held.value is None:
            return None
        found = {self.present: held.value}
        owners = self.rests(state) and not context.unsure
        return {**state, **found, **({"original": held.value} if owners else {})}

    def update(self, context: Context, identity: str, state: State, inputs: Any) -> State:
        place, known = self.place(context, inputs, state), state.get(self.present)
        original = state.get("original")
        if self.adopts and self.rests(state) and known == original:  # else it was seen half way
            original, known = _original(self, place, inputs), None
        wanted = self.wanted(inputs, original)
        try:
            before = _bring(place, wanted, known, original)
            place.finish()
        except Problem as problem:
            if place.learnt.items() <= state.items():
                raise
            raise PartlyMade(problem, identity, {**state, **place.learnt}) from problem
        if wanted == original:
            place.forget()
        previous = state.get("previous") if before == wanted else before
        return self._state(inputs, original, previous) | place.learnt

    def delete(self, context: Context, identity: str, state: State) -> None:
        """The value stays: whoever reads it goes on with what there is."""

    def drift(self, state: State, inputs: Any) -> frozenset[str]:
        if self.present in {field.alias or name for name, field in self.inputs.model_fields.items()}:
            return frozenset()  # an input: the engine's diff sees it
        wanted = self.wanted(self._declared(state), state.get("original"))
        return frozenset() if state.get(self.present, wanted) == wanted else frozenset({self.present})

    def _declared(self, state: State) -> Any:
        names = {field.alias or name for name, field in self.inputs.model_fields.items()}
        return self.inputs.model_validate({name: state[name] for name in names & state.keys()})

    def _state(self, inputs: Any, original: str | None, previous: str | None) -> State:
        """None (there was nothing) is left out, as the engine leaves out nulls."""
        learnt = {"original": original, "previous": previous, self.present: self.wanted(inputs, original)}
        return {**inputs.wire(), **{name: value for name, value in learnt.items() if value is not None}}


class KeptEntryHandler(EntryHandler):
    """An entry of ``KeptInputs``; ``held`` is what the place holds."""

    secrets = frozenset({"value", "held", "original", "previous"})
    present = "held"

    def rests(self, state: State) -> bool:
        return "value" not in state

    def wanted(self, inputs: Any, original: str | None) -> str:
        return original or "" if inputs.value is None else str(inputs.value)


def _original(handler: EntryHandler, place: Place, inputs: Any) -> str | None:
    """What was there before us: noted by a call that was killed after it wrote, else what is there."""
    present, noted = _there(place).value, place.recall()
    if noted is None:
        return present
    # Where a note is removed with the return of the original, one that is there tells of a pause unfinished.
    return noted if handler.adopts or present == handler.wanted(inputs, noted) else present


def _bring(place: Place, wanted: str, known: str | None, original: str | None) -> str | None:
    """Put the value in place; give the one before, None where there was none."""
    for _ in range(_ROUNDS):
        held = _there(place)
        if held.value == wanted:
            return held.value
        _admit(place, held, known)
        try:
            if original is not None and held.value == original:
                place.note(original)
            place.write(wanted, held)
        except Moved:
            continue
        return held.value
    what = f"{place.where} is written by others all the time, so that our value never came to stand there."
    raise Problem("entry-contended", what, "Find out who writes it, then run the same command again.")


def _there(place: Place) -> Held:
    held = place.read()
    if held is None or (held.value is None and not place.may_add):
        raise place.missing()
    return held


def _admit(place: Place, held: Held, known: str | None) -> None:
    """Refuse to overwrite what somebody else put there; ``known`` None: any value will do."""
    if known is not None and held.value is not None and held.value != known:
        what = f"{place.where} was changed by someone else since we last wrote it."
        cure = (
            "Take their value over with `pulumi refresh`, look at the diff, then run the same command again."
        )
        raise Refusal("changed-meanwhile", what, cure)
