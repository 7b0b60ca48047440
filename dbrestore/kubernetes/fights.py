"""Autoscalers and others that undo a pause: found before anything is changed, and named when they did it.

A horizontal autoscaler is inactive at 0 replicas and takes 1 up to its minimum; KEDA takes 0 up as well,
unless its ScaledObject is paused (https://keda.sh/docs/latest/concepts/scaling-deployments/#pausing-autoscaling).
"""

from __future__ import annotations

from dbrestore.kubernetes.api import Api
from dbrestore.kubernetes.kinds import AUTOSCALER, SCALED_OBJECT, Found, Kind
from dbrestore.kubernetes.pods import wait
from problem import Problem

PAUSED_REPLICAS, PAUSED = "autoscaling.keda.sh/paused-replicas", "autoscaling.keda.sh/paused"
_GRACE = 20.0
"""Seconds that another writer of the same config gets to hold its autoscaler."""


def refuse_fights(api: Api, workload: Found, replicas: int, seconds: float) -> None:
    """Problem "pause-fought" names the autoscaler that would not leave ``workload`` at ``replicas``."""

    def free() -> list[Found]:
        return [one for one in autoscalers(api, workload) if not _holds(one, replicas)]

    fighting = wait(api, f"the autoscaler of {workload.where} to be held", min(seconds, _GRACE), free)
    if fighting:
        one = fighting[0]
        kind = "keda" if one.kind is SCALED_OBJECT else "hpa"
        what = f"The {one.where} would take the {workload.where} up again from {replicas} replicas."
        entry = f"{kind}: {{namespace: {one.namespace}, name: {one.name}}}"
        cure = f"Nothing was changed. Add `- {entry}` to reforge:writers, then run the same command again."
        raise Problem("pause-fought", what, cure)


def check_unfought(api: Api, workload: Found, replicas: int) -> None:
    """Problem "pause-fought" where somebody has set other replicas since we did; it names who."""
    now = api.get(workload.kind, workload.namespace, workload.name)
    found = now.at("spec", "replicas", default=1)
    if found != replicas:
        who = now.owner_of("spec", "replicas") or "somebody"
        what = f"The {now.where} was set to {found} replicas by {who}, while {replicas} are to run."
        cure = f"Keep {who} (a GitOps sync, an autoscaler, a colleague) from it, then run the same again."
        raise Problem("pause-fought", what, cure)


def autoscalers(api: Api, workload: Found) -> list[Found]:
    """What scales the workload by itself; an HPA of KEDA's own is left out, its ScaledObject is in."""
    keda = _listed(api, SCALED_OBJECT, workload)
    hpas = [hpa for hpa in _listed(api, AUTOSCALER, workload) if not any(map(hpa.owned_by, keda))]
    return [*keda, *hpas]


def _listed(api: Api, kind: Kind, workload: Found) -> list[Found]:
    try:
        found = api.all(kind, workload.namespace)
    except Problem as problem:
        if problem.name != "kubernetes-forbidden":
            raise
        # A pause at night must not fail for a right to look; that nobody looked has to be known.
        api.context.note(f"Nobody looked whether a {kind.word} undoes it: {problem.what}")
        return []
    return [one for one in found if _targets(one, workload)]


def _targets(scaler: Found, workload: Found) -> bool:
    target = scaler.at("spec", "scaleTargetRef", default={})
    kind = str(target.get("kind") or "Deployment").lower()
    return kind == workload.kind.word and target.get("name") == workload.name


def _holds(scaler: Found, replicas: int) -> bool:
    if scaler.kind is SCALED_OBJECT:
        held, paused = scaler.annotations.get(PAUSED_REPLICAS), scaler.annotations.get(PAUSED)
        return held == str(replicas) if held is not None else paused == "true"
    return replicas == 0 or int(scaler.at("spec", "maxReplicas", default=1)) <= replicas
