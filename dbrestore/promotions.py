"""A managed read replica of the original that is promoted at the cut-over: what every cloud has in common.

Somebody else made it, so that no stack owns it: until the cut-over it is only looked at, and deleting the
resource forgets it. A promotion is never taken back; a rollback leaves the instance as it is.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from dbrestore.handler import Context, Handler, Inputs, State

Record = Mapping[str, Any]
_NAMES = "a restore is never changed in place; give it another name"


class Replica(Protocol):
    """One instance as its cloud tells of it; only ``promote`` and ``settle`` change it."""

    def look(self) -> dict[str, Any]:
        """Its record in the cloud's words."""

    def require_promotable(self, found: dict[str, Any]) -> None:
        """Refusal where it is not the original's, or not well."""

    def begun(self, found: dict[str, Any]) -> bool:
        """Whether the cloud is at work on it, maybe with a promotion that an earlier run asked for."""

    def promote(self, found: dict[str, Any], context: Context) -> dict[str, Any]:
        """Make it an instance of its own, and wait until it is."""

    def wait(self, context: Context) -> dict[str, Any]:
        """Until that is over, at most for the time-box; still a replica where it was no promotion."""

    def settle(self, found: dict[str, Any], context: Context) -> dict[str, Any]:
        """What an instance of its own needs besides; nothing where it has that."""


class PromotionInputs(Inputs):
    """``replica`` of ``source``, both by the cloud's names; ``promote`` from the cut-over on."""

    name: str
    replica: str
    source: str
    promote: bool = False

    @property
    @abstractmethod
    def instance(self) -> Replica:
        """The replica that is meant."""


class PromotionHandler(Handler):
    """Looks until the cut-over, promotes once, forgets at the end."""

    inputs: ClassVar[type[PromotionInputs]]
    fixed: ClassVar[Mapping[str, str]] = {"replica": _NAMES, "source": _NAMES}
    where: ClassVar[str]
    """The cloud's name for people."""

    @abstractmethod
    def is_replica(self, found: Record) -> bool:
        """Whether it still follows another instance."""

    @abstractmethod
    def place(self, inputs: Any, found: Record) -> tuple[str | None, int | None]:
        """Host and port."""

    def examine(self, context: Context, inputs: Any) -> None:
        found = inputs.instance.look()
        if self.is_replica(found):
            inputs.instance.require_promotable(found)

    def create(self, context: Context, inputs: Any) -> tuple[str, State]:
        return inputs.replica, self._brought(context, inputs)

    def update(self, context: Context, identity: str, state: State, inputs: Any) -> State:
        return self._brought(context, inputs)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        known = {name: state[name] for name in self.inputs.model_fields if name in state}
        inputs = self.inputs.model_validate(known)
        return self._state(inputs, inputs.instance.look())

    def delete(self, context: Context, identity: str, state: State) -> None:
        context.note(
            f"{identity} is forgotten and stays as it is, with its costs; delete it in {self.where}."
        )

    def _brought(self, context: Context, inputs: PromotionInputs) -> State:
        instance = inputs.instance
        found = instance.look()
        if inputs.promote and self.is_replica(found) and instance.begun(found):
            found = instance.wait(context)
        if inputs.promote and self.is_replica(found):
            instance.require_promotable(found)
            found = instance.promote(found, context)
        if inputs.promote:
            found = instance.settle(found, context)
        return self._state(inputs, found)

    def _state(self, inputs: PromotionInputs, found: Record) -> State:
        host, port = self.place(inputs, found)
        return inputs.wire() | {"host": host, "boundPort": port, "promoted": not self.is_replica(found)}
