"""New pods for whatever reads a Secret or a ConfigMap: running ones keep the value that they started with.

A pod template's annotation starts the rollout, as `kubectl rollout restart` does. It is over when no pod of
before is left, those on their way out included, and as many new ones are ready as are wanted. What has to be
rolled out is marked on the object that is read, until it is done: a killed run is gone on with.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from dbrestore.kubernetes.api import Api
from dbrestore.kubernetes.kinds import DEPLOYMENT, SCALED, STATEFUL_SET, Found
from dbrestore.kubernetes.pods import is_ready, of_a_canary, pods_of, wait, words
from problem import Problem, listed

MARK = "reforge/rollout"
"""The annotation of an object whose readers have not all been started anew."""


def marked(found: Found) -> str:
    """The mark to put on an object: the one that it bears, or a new one."""
    return found.annotations.get(MARK) or secrets.token_hex(4)


def mark(api: Api, found: Found) -> Found:
    """See to it that the object's readers will be started anew, whatever happens to us."""

    def change(now: Found) -> dict[str, Any] | None:
        return None if MARK in now.annotations else {"metadata": {"annotations": {MARK: marked(now)}}}

    return api.change(found, change)


def roll(api: Api, source: Found, read: Found, names: list[str] | None, seconds: float) -> None:
    """Start the readers of ``read`` anew as the mark on ``source`` asks; without a mark none.

    ``names`` None: those whose pods refer to it. ``seconds`` hold for each. Problem "rollout-stuck".
    """
    token = source.annotations.get(MARK)
    if token is None:
        return
    note = _annotation(read)
    workloads = readers(api, read) if names is None else [_named(api, read.namespace, name) for name in names]
    started = [api.change(one, lambda now: _started(now, note, token)) for one in workloads]
    for workload in started:
        _await(api, workload, (note, token), seconds)
    api.change(source, lambda now: _unmarked(now, token))


def readers(api: Api, read: Found) -> list[Found]:
    """The Deployments and StatefulSets whose pods refer to a Secret or a ConfigMap; of canaries none."""
    found = [one for kind in SCALED.values() for one in api.all(kind, read.namespace)]
    return [
        one
        for one in found
        if not of_a_canary(one) and _refers(one.at("spec", "template", "spec", default={}), read)
    ]


def _refers(value: Any, read: Found) -> bool:
    """Whether anything in a pod's spec names it: a variable, all variables, a volume, a part of one."""
    if isinstance(value, list):
        return any(_refers(item, read) for item in value)
    if not isinstance(value, Mapping):
        return False
    single, whole, volume = {
        "secret": ("secretKeyRef", "secretRef", "secret"),
        "configmap": ("configMapKeyRef", "configMapRef", "configMap"),
    }[read.kind.word]
    for name in (single, whole, volume):
        reference = value.get(name)
        if isinstance(reference, Mapping) and read.name in (
            reference.get("name"),
            reference.get("secretName"),
        ):
            return True
    return any(_refers(item, read) for item in value.values())


def _named(api: Api, namespace: str, name: str) -> Found:
    return api.find(DEPLOYMENT, namespace, name) or api.get(STATEFUL_SET, namespace, name)


def _annotation(read: Found) -> str:
    """One annotation for each object that is read, so that two rollouts do not undo each other."""
    return f"reforge/rolled.{read.kind.word}.{read.name}"[:71].rstrip(".-")


def _started(now: Found, note: str, token: str) -> dict[str, Any] | None:
    template = now.at("spec", "template", "metadata", "annotations", default={})
    if template.get(note) == token:
        return None
    return {"spec": {"template": {"metadata": {"annotations": {note: token}}}}}


def _unmarked(now: Found, token: str) -> dict[str, Any] | None:
    ours = now.annotations.get(MARK) == token
    return {"metadata": {"annotations": {MARK: None}}} if ours else None


def _await(api: Api, workload: Found, sign: tuple[str, str], seconds: float) -> None:
    note, token = sign

    def left() -> list[str]:
        now = api.get(workload.kind, workload.namespace, workload.name)
        pods = pods_of(api, now)
        new = [pod for pod in pods if pod.annotations.get(note) == token]
        lacking = int(now.at("spec", "replicas", default=1)) - sum(map(is_ready, new))
        old = [f"{words(pod)} of before is still there" for pod in pods if pod not in new]
        unready = [words(pod) for pod in new if not is_ready(pod)] or ["no new pod has been started"]
        return (unready if lacking > 0 else []) + old

    if told := wait(api, f"new pods of {workload.where}", seconds, left):
        raise _stuck(workload, told, seconds)


def _stuck(workload: Found, told: list[str], seconds: float) -> Problem:
    why = ""
    if workload.at("spec", "paused", default=False):
        why = " Its rollouts are paused (spec.paused)."
    if workload.at("spec", "updateStrategy", "type") == "OnDelete":
        why = " Its pods are replaced only when somebody deletes them (OnDelete)."
    what = f"The {workload.where} has not taken the new value after {seconds:g} s: {listed(told)}.{why}"
    cure = (
        "The value itself is in place. Mend the pods and run the same command again, "
        "or put the old value back: reforge rollback"
    )
    return Problem("rollout-stuck", what, cure)
