"""What a Secret, a ConfigMap and an ExternalSecret have in common: a key's value, and who reads it."""

from __future__ import annotations

import base64
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from dbrestore.entries.entry import KeptEntryHandler, KeptInputs
from dbrestore.entries.place import Held, Place
from dbrestore.handler import Context, PartlyMade, State
from dbrestore.kubernetes.api import Api, connect
from dbrestore.kubernetes.kinds import SECRET, Found, Kind, told
from dbrestore.kubernetes.rollout import mark, roll
from problem import Problem

_OTHER = "an entry is one key of one object; declare another endpoint for another one"


class KeyInputs(KeptInputs):
    """``key`` of an object has ``value``, or what was there before us, and whatever reads it has that too."""

    cluster: str | None = None
    """The kubeconfig's context; None is the current one."""
    namespace: str = Field(min_length=1)
    name: str = Field(min_length=1)
    key: str = Field(min_length=1)
    rollout: list[str] | None = None
    """Deployments or StatefulSets to start anew; None: those whose pods refer to the object."""
    timeout: float = Field(default=300, gt=0, le=3600)
    """Seconds for each rollout."""


class KeyPlace(Place):
    """A key of an object; ``bearer`` bears the mark of a rollout, ``held`` is what pods read."""

    kind: Kind
    """The bearer's."""

    def __init__(self, api: Api, inputs: KeyInputs) -> None:
        self.api, self.inputs = api, inputs
        self.held: Found | None = None

    @property
    def where(self) -> str:
        return f"{self.inputs.key} of {told(self.kind, self.inputs.namespace, self.inputs.name)}"

    @property
    def bearer(self) -> Found:
        """The object that we write to, as it is now."""
        return self.api.get(self.kind, self.inputs.namespace, self.inputs.name)

    @abstractmethod
    def look(self) -> Found | None:
        """The object that pods read, as it is now."""

    def read(self) -> Held | None:
        self.held = self.look()
        return Held(value_of(self.held, self.inputs.key), self.held.revision) if self.held else None

    def missing(self) -> Problem:
        if self.held is None:
            return Problem(
                "kubernetes-missing",
                f"{self.where}: there is no such object.",
                f"See what there is: kubectl -n {self.inputs.namespace} get secrets,configmaps",
            )
        what = f"{self.where} is not there, so nothing would read a value put there."
        return Problem("key-missing", what, "Add the key with any value, or correct name and key.")

    def begin(self) -> None:
        """The value that pods should have is another than before, whoever wrote it."""
        mark(self.api, self.bearer)

    def roll(self) -> None:
        """Start the readers anew, if that is to be done."""
        held = self.look()
        if held is not None:
            roll(self.api, self.bearer, held, self.inputs.rollout, self.inputs.timeout)


class KeyHandler(KeptEntryHandler):
    """State besides: ``readers`` are "current", or "stale" where not all were started anew."""

    fixed: ClassVar[Mapping[str, str]] = dict.fromkeys(("cluster", "namespace", "name", "key"), _OTHER)
    inputs: ClassVar[type[KeyInputs]] = KeyInputs
    at: ClassVar[type[KeyPlace]]

    def place(self, context: Context, inputs: KeyInputs, state: State | None = None) -> KeyPlace:
        return self.at(connect(inputs.cluster, context), inputs)

    def identity(self, inputs: KeyInputs) -> str:
        return f"{inputs.namespace}/{inputs.name}#{inputs.key}"

    def create(self, context: Context, inputs: Any) -> tuple[str, State]:
        identity, state = super().create(context, inputs)
        return identity, self._rolled(context, identity, inputs, state)

    def update(self, context: Context, identity: str, state: State, inputs: Any) -> State:
        now = super().update(context, identity, state, inputs)
        if state.get(self.present) != now[self.present] or state.get("readers") == "stale":
            self.place(context, inputs).begin()
        return self._rolled(context, identity, inputs, now)

    def drift(self, state: State, inputs: Any) -> frozenset[str]:
        stale = {"readers"} if state.get("readers") == "stale" else set()
        return super().drift(state, inputs) | stale

    def _rolled(self, context: Context, identity: str, inputs: KeyInputs, state: State) -> State:
        try:
            self.place(context, inputs).roll()
        except Problem as problem:
            raise PartlyMade(problem, identity, {**state, "readers": "stale"}) from problem
        return {**state, "readers": "current"}


def value_of(found: Found, key: str) -> str | None:
    """A key's value as text; None where there is no such key."""
    value = found.at("data", key)
    if value is None:
        return None
    if found.kind is not SECRET:
        return str(value)
    return base64.b64decode(value).decode("utf-8", "surrogateescape")


def encoded(value: str) -> str:
    """A value as a Secret's data holds it."""
    return base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()
