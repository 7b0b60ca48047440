"""What every kind of writer has in common: note the original, set the level, wait, take the note off."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from dbrestore.handler import Context, Handler, Inputs, PartlyMade, State
from dbrestore.kubernetes.api import Api, connect
from dbrestore.kubernetes.kinds import Found, Kind, told
from dbrestore.kubernetes.originals import Levels, forget, noted, with_note
from problem import Problem

_OTHER = "a writer is one object of one cluster; declare another writer for another one"
PLACE: Mapping[str, str] = {"cluster": _OTHER, "namespace": _OTHER, "name": _OTHER}


class WriterInputs(Inputs):
    """One object that writes, and whether all of it, one, or none may."""

    cluster: str | None = None
    """The kubeconfig's context; None is the current one."""
    namespace: str = Field(min_length=1)
    name: str = Field(min_length=1)
    desired: Literal["all", "canary", "none"]
    timeout: float = Field(default=300, gt=0, le=3600)
    """Seconds for all that is waited for."""


@dataclass(frozen=True)
class Work:
    """One call at work on one writer."""

    api: Api
    context: Context
    inputs: Any
    original: Levels


class Writer(Handler):
    """State besides the inputs: ``original`` (levels before we touched it), ``present`` (as last seen), and
    ``halfway`` (seen paused though nobody knows of a pause).
    """

    fixed: ClassVar[Mapping[str, str]] = PLACE
    may_be_gone: ClassVar[bool] = False
    """Whether such an object ends by itself, so that a missing one is one that does not write."""

    @abstractmethod
    def kind(self, inputs: Any) -> Kind:
        """The kind of object that the inputs mean."""

    @abstractmethod
    def levels(self, api: Api, found: Found) -> Levels:
        """How much of it may work now."""

    def original(self, api: Api, found: Found) -> Levels:
        """What to note of an object that bears no note."""
        return self.levels(api, found)

    @abstractmethod
    def wanted(self, inputs: Any, original: Levels) -> Levels:
        """How much may work at ``inputs.desired``."""

    @abstractmethod
    def patch(self, wanted: Levels) -> dict[str, Any]:
        """The merge patch that sets the levels."""

    def admit(self, work: Work, found: Found) -> None:
        """Look for what would undo it, before anything is changed."""

    def settle(self, work: Work, found: Found) -> None:
        """Wait, within ``inputs.timeout``, until what runs is at the level; a Problem names what is not."""

    def create(self, context: Context, inputs: Any) -> tuple[str, State]:
        identity = f"{inputs.namespace}/{self.kind(inputs).word}/{inputs.name}"
        return identity, self._bring(context, identity, inputs, None)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        if not state:
            return None
        inputs = self._declared(state)
        api = connect(inputs.cluster, context)
        found = api.find(self.kind(inputs), inputs.namespace, inputs.name)
        if found is None:
            return {**state, "present": {}} if self.may_be_gone else None
        halfway = noted(found) is not None and state["desired"] == "all"
        return {**state, "present": self.levels(api, found), **({"halfway": True} if halfway else {})}

    def update(self, context: Context, identity: str, state: State, inputs: Any) -> State:
        return self._bring(context, identity, inputs, state)

    def delete(self, context: Context, identity: str, state: State) -> None:
        """It stays as it is, and so does its note: no longer managing a writer does not start it."""

    def drift(self, state: State, inputs: Any) -> frozenset[str]:
        """While writers are paused, what somebody else let run again is to be paused again."""
        declared = self._declared(state)
        if declared.desired == "all":
            # People and autoscalers may scale as they like; our note tells of a pause that was killed.
            return frozenset({"halfway"} if state.get("halfway") else ())
        if not state.get("present") and self.may_be_gone:
            return frozenset()
        wanted = self.wanted(declared, state.get("original", {}))
        return frozenset() if state.get("present") == wanted else frozenset({"present"})

    def examine(self, context: Context, inputs: Any) -> None:
        self._found(connect(inputs.cluster, context), inputs)

    def _found(self, api: Api, inputs: Any) -> Found | None:
        look = api.find if self.may_be_gone else api.get
        return look(self.kind(inputs), inputs.namespace, inputs.name)

    def _bring(self, context: Context, identity: str, inputs: Any, state: State | None) -> State:
        api = connect(inputs.cluster, context)
        found = self._found(api, inputs)
        if found is None:
            context.note(f"There is no {told(self.kind(inputs), inputs.namespace, inputs.name)} (any more).")
            return {**inputs.wire(), "original": {}, "present": {}}
        work = Work(api, context, inputs, self._original(api, found, state))
        if inputs.desired == "all" and not _was_touched(found, state):
            return self._state(work, found)
        self.admit(work, found)
        found = api.change(found, lambda now: self._step(work, now))
        try:
            self.settle(work, found)
        except Problem as problem:
            raise PartlyMade(problem, identity, self._state(work, found)) from problem
        return self._state(work, forget(api, found) if inputs.desired == "all" else found)

    def _original(self, api: Api, found: Found, state: State | None) -> Levels:
        """The note counts; without one, what the engine knows of a pause; without that, the present."""
        note = noted(found)
        if note is not None:
            return note
        if state and state["desired"] != "all":
            return dict(state["original"])
        return self.original(api, found)

    def _step(self, work: Work, now: Found) -> dict[str, Any] | None:
        wanted = self.wanted(work.inputs, work.original)
        if self.levels(work.api, now) == wanted and noted(now) == work.original:
            return None
        return with_note(self.patch(wanted), work.original)

    def _state(self, work: Work, found: Found) -> State:
        return {**work.inputs.wire(), "original": work.original, "present": self.levels(work.api, found)}

    def _declared(self, state: State) -> Any:
        names = {field.alias or name for name, field in self.inputs.model_fields.items()}
        return self.inputs.model_validate({name: state[name] for name in names & state.keys()})


def _was_touched(found: Found, state: State | None) -> bool:
    """Whether there is anything to bring back."""
    return noted(found) is not None or bool(state and state["desired"] != "all")
