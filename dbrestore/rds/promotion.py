"""``dbrestore:rds:Promotion``: a read replica of the original that is promoted at the cut-over.

Somebody else made it, so that no stack owns it: until the cut-over it is only looked at, and deleting this
resource forgets it. A promotion is never taken back; a rollback leaves the instance as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from dbrestore.handler import Context, Handler, Inputs, State
from dbrestore.rds.replica import Replica, is_replica

_NAMES = "a restore is never changed in place; give it another name"


class PromotionInputs(Inputs):
    """``replica`` of ``source``, both DB instance identifiers; ``promote`` from the cut-over on."""

    name: str
    replica: str
    source: str
    region: str
    promote: bool = False

    @property
    def instance(self) -> Replica:
        return Replica(self.replica, self.source, self.region)


class Promotion(Handler):
    """Looks until the cut-over, promotes once, forgets at the end."""

    token = "dbrestore:rds:Promotion"  # noqa: S105 - a type's name
    inputs = PromotionInputs
    fixed: ClassVar[Mapping[str, str]] = {"replica": _NAMES, "source": _NAMES, "region": _NAMES}

    def examine(self, context: Context, inputs: PromotionInputs) -> None:
        found = inputs.instance.look()
        if is_replica(found):
            inputs.instance.require_promotable(found)

    def create(self, context: Context, inputs: PromotionInputs) -> tuple[str, State]:
        return inputs.replica, self._brought(context, inputs)

    def update(self, context: Context, identity: str, state: State, inputs: PromotionInputs) -> State:
        return self._brought(context, inputs)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        known = {name: state[name] for name in PromotionInputs.model_fields if name in state}
        inputs = PromotionInputs.model_validate(known)
        return _state(inputs, inputs.instance.look())

    def delete(self, context: Context, identity: str, state: State) -> None:
        context.note(f"{identity} is forgotten and stays as it is, with its costs; delete it in RDS.")

    def _brought(self, context: Context, inputs: PromotionInputs) -> State:
        found = inputs.instance.look()
        if inputs.promote and is_replica(found):
            if found["DBInstanceStatus"] == "available":
                inputs.instance.require_promotable(found)
                found = inputs.instance.promote(found, context)
            else:  # a run before this one began it
                found = inputs.instance.wait(context)
        return _state(inputs, found)


def _state(inputs: PromotionInputs, found: Mapping[str, Any]) -> State:
    at = found.get("Endpoint") or {}
    learnt = {"host": at.get("Address"), "boundPort": at.get("Port"), "promoted": not is_replica(found)}
    return inputs.wire() | learnt
