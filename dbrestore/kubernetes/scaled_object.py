"""``dbrestore:kubernetes:ScaledObject``: KEDA, held by its own annotation, so that it does not fight a pause.

https://keda.sh/docs/latest/concepts/scaling-deployments/#pausing-autoscaling: with ``paused-replicas`` its
operator sets the target to that many and leaves it there; setting the target alone to 0 does not last.
"""

from __future__ import annotations

from typing import Any

from dbrestore.kubernetes.api import Api
from dbrestore.kubernetes.fights import PAUSED_REPLICAS
from dbrestore.kubernetes.kinds import SCALED_OBJECT, Found, Kind
from dbrestore.kubernetes.originals import Levels, forget, noted, with_note
from dbrestore.kubernetes.pods import gone, ready, wait
from dbrestore.kubernetes.scale import replicas_of
from dbrestore.kubernetes.targets import target_of
from dbrestore.kubernetes.writer import Work, Writer, WriterInputs
from problem import Problem


class ScaledObject(Writer):
    """See ``Writer``. Its level is the annotation, "" where it bears none."""

    resource_type = "dbrestore:kubernetes:ScaledObject"
    inputs = WriterInputs

    def kind(self, inputs: WriterInputs) -> Kind:
        return SCALED_OBJECT

    def levels(self, api: Api, found: Found) -> Levels:
        return {"pausedReplicas": found.annotations.get(PAUSED_REPLICAS, "")}

    def wanted(self, inputs: WriterInputs, original: Levels) -> Levels:
        canary = "0" if original["pausedReplicas"] == "0" else "1"
        held = {"all": original["pausedReplicas"], "canary": canary, "none": "0"}
        return {"pausedReplicas": held[inputs.desired]}

    def patch(self, wanted: Levels) -> dict[str, Any]:
        return {"metadata": {"annotations": {PAUSED_REPLICAS: wanted["pausedReplicas"] or None}}}

    def admit(self, work: Work, found: Found) -> None:
        """Note the target's replicas before KEDA sets them: it may be a writer of its own as well."""
        target = target_of(work.api, found)
        if work.inputs.desired != "all":
            work.api.change(target, lambda now: None if noted(now) else with_note({}, replicas_of(now)))

    def settle(self, work: Work, found: Found) -> None:
        target, seconds = target_of(work.api, found), work.inputs.timeout
        if work.inputs.desired == "all":
            forget(work.api, target)
            return  # how many there are is KEDA's to say again
        count = int(self.wanted(work.inputs, work.original)["pausedReplicas"])
        _await_operator(work.api, found, target, count, seconds)
        if count == 0:
            gone(work.api, target, seconds, lambda: None)
        else:
            ready(work.api, target, count, seconds)


def _await_operator(api: Api, scaler: Found, target: Found, count: int, seconds: float) -> None:
    def now() -> list[int]:
        found = replicas_of(api.get(target.kind, target.namespace, target.name))["replicas"]
        return [found] if found != count else []

    if left := wait(api, f"KEDA to scale the {target.where} to {count}", seconds, now):
        what = f"KEDA did not scale the {target.where} to {count} within {seconds:g} s: it has {left[0]}."
        cure = (
            f"The {scaler.where} is paused; see whether KEDA's operator runs and what it says of it "
            f"(kubectl -n {scaler.namespace} describe scaledobject {scaler.name}), then run the same again."
        )
        raise Problem("keda-unresponsive", what, cure)
