"""Pods: which there are of a workload, and waiting for them within a time-box that ends in a named state."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from dbrestore.kubernetes.api import Api, as_labels, interrupted
from dbrestore.kubernetes.kinds import POD, Found
from problem import Problem, listed

CANARY = "reforge/canary"
"""The label of a canary and its pods. They may bear the labels of the deployment that they are like as well,
and are none of its own: a rollout would wait for them to go."""
POLL_SECONDS = 0.5


def pods_of(api: Api, workload: Found) -> list[Found]:
    """The workload's pods that may still write: those on their way out are among them, finished ones not."""
    labels = as_labels(workload.at("spec", "selector", default={}))
    found = [pod for pod in api.all(POD, workload.namespace, labels) if not of_a_canary(pod)]
    return [pod for pod in found if pod.at("status", "phase") not in ("Succeeded", "Failed")]


def of_a_canary(found: Found) -> bool:
    """Whether it is a canary's, whatever else it looks like."""
    return CANARY in found.at("metadata", "labels", default={})


def wait(api: Api, what: str, seconds: float, left: Callable[[], Any]) -> Any:
    """Ask ``left`` until it gives nothing or the time is over; what it gave last. Problem "interrupted"."""
    deadline, told = time.monotonic() + seconds, None
    while (remaining := left()) and time.monotonic() < deadline:
        if remaining != told:
            told = remaining
            api.context.progress(f"waiting for {what}")
        if api.context.cancelled.wait(POLL_SECONDS):
            raise interrupted(f"waiting for {what}")
    return remaining


def gone(api: Api, workload: Found, seconds: float, check: Callable[[], None]) -> None:
    """Wait until the workload has no pods; ``check`` raises where they would come back.

    Problem "pods-do-not-end".
    """

    def left() -> list[str]:
        check()
        return [words(pod) for pod in pods_of(api, workload)]

    remaining = wait(api, f"the pods of {workload.where} to end", seconds, left)
    if remaining:
        what = f"Of {workload.where}, these pods did not end within {seconds:g} s: {listed(remaining)}."
        cure = (
            "They may still write. See why (a long grace period, a finalizer, a node that is away): "
            f"kubectl -n {workload.namespace} describe pod. Then run the same command again."
        )
        raise Problem("pods-do-not-end", what, cure)


def ready(api: Api, workload: Found, count: int, seconds: float) -> None:
    """Wait until ``count`` pods are ready, or as many as an autoscaler has left of them meanwhile.

    Problem "pods-not-ready" says of each of the others why not.
    """

    def lacking() -> list[str]:
        now = api.get(workload.kind, workload.namespace, workload.name)
        pods = pods_of(api, now)
        if sum(is_ready(pod) for pod in pods) >= min(count, int(now.at("spec", "replicas", default=1))):
            return []
        return [words(pod) for pod in pods if not is_ready(pod)] or ["no pod has been started"]

    remaining = wait(api, f"{count} ready pods of {workload.where}", seconds, lacking)
    if remaining:
        what = f"{workload.where} does not have {count} ready pods after {seconds:g} s: {listed(remaining)}."
        look = f"kubectl -n {workload.namespace} describe {workload.kind.word} {workload.name}"
        raise Problem(
            "pods-not-ready",
            f"{what[0].upper()}{what[1:]}",
            f"See why: {look}. Mend it, then run the same command again; `reforge pause` stops it again.",
        )


def is_ready(pod: Found) -> bool:
    """Whether the kubelet says so, of a pod that is not on its way out."""
    conditions = pod.at("status", "conditions", default=[])
    said = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    return said and pod.at("metadata", "deletionTimestamp") is None


def words(pod: Found) -> str:
    """A pod and what keeps it: "etl-worker-abc (terminating since 2026-01-01T00:00:00Z)"."""
    if since := pod.at("metadata", "deletionTimestamp"):
        return f"{pod.name} (terminating since {since})"
    for one in pod.at("status", "containerStatuses", default=[]):
        waiting = one.get("state", {}).get("waiting") or {}
        if reason := waiting.get("reason"):
            return f"{pod.name} ({one.get('name')}: {reason})"
    return f"{pod.name} ({pod.at('status', 'phase', default='Pending')})"
