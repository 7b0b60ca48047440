"""``dbrestore:kubernetes:Autoscaler``: an HPA, and with it what it scales.

At 0 replicas of its target an HPA is inactive, for good: it never takes 0 up to its minimum. So the pause
sets the target to 0, and the way back sets the target's replicas and not only the HPA's limits. For a canary
both limits are 1, or the HPA would take the one replica up to its minimum.
"""

from __future__ import annotations

from typing import Any

from dbrestore.kubernetes.api import Api
from dbrestore.kubernetes.kinds import AUTOSCALER, Found, Kind
from dbrestore.kubernetes.originals import Levels, forget, noted, with_note
from dbrestore.kubernetes.scale import replicas_of, settle
from dbrestore.kubernetes.targets import target_of
from dbrestore.kubernetes.writer import Work, Writer, WriterInputs
from problem import Problem

_LIMITS = ("minReplicas", "maxReplicas")


class Autoscaler(Writer):
    """See ``Writer``. Its levels are the HPA's limits and its target's replicas."""

    resource_type = "dbrestore:kubernetes:Autoscaler"
    inputs = WriterInputs

    def kind(self, inputs: WriterInputs) -> Kind:
        return AUTOSCALER

    def levels(self, api: Api, found: Found) -> Levels:
        limits = {name: int(found.at("spec", name, default=1)) for name in _LIMITS}
        return limits | replicas_of(target_of(api, found))

    def original(self, api: Api, found: Found) -> Levels:
        """Where the target was paused as a writer of its own, its note knows how many there were."""
        return self.levels(api, found) | (noted(target_of(api, found)) or {})

    def wanted(self, inputs: WriterInputs, original: Levels) -> Levels:
        if inputs.desired == "canary":
            return dict.fromkeys(_LIMITS, 1) | {"replicas": min(1, original["replicas"])}
        return original if inputs.desired == "all" else original | {"replicas": 0}

    def patch(self, wanted: Levels) -> dict[str, Any]:
        return {"spec": {name: wanted[name] for name in _LIMITS}}

    def admit(self, work: Work, found: Found) -> None:
        owners = found.at("metadata", "ownerReferences", default=[])
        keda = next((one["name"] for one in owners if one.get("kind") == "ScaledObject"), None)
        if keda is not None:
            what = f"The {found.where} is made by KEDA, which writes its limits anew."
            entry = f"keda: {{namespace: {found.namespace}, name: {keda}}}"
            cure = f"Write `- {entry}` in place of it in reforge:writers, then run the same command again."
            raise Problem("pause-fought", what, cure)

    def settle(self, work: Work, found: Found) -> None:
        target, count = target_of(work.api, found), self.wanted(work.inputs, work.original)["replicas"]
        target = work.api.change(target, lambda now: _scaled(now, count, work))
        settle(work, target, count)
        if work.inputs.desired == "all":
            forget(work.api, target)


def _scaled(target: Found, count: int, work: Work) -> dict[str, Any] | None:
    """The target's replicas, noted there too: where it is a writer of its own, both know one original."""
    now = replicas_of(target)["replicas"]
    if now == count or (work.inputs.desired == "all" and now > count):
        return None  # the HPA has taken it further already
    original = noted(target) or {"replicas": work.original["replicas"]}
    return with_note({"spec": {"replicas": count}}, original)
