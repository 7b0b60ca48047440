"""The copy of a deployment, made of the deployment as it stands: what is the same, and what is not.

Everything that a pod of it is made of stays, but for where its database is. Its own labels come along only
with traffic: what selects the deployment's pods (Services, and also NetworkPolicies) selects by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from problem import Problem
from stacks.canary.settings import Canary

LABEL = "reforge/canary"
"""By it alone the copy knows its pods, and everybody else tells them from the deployment's own."""
DATABASE = "reforge/database"
"""The annotation that says what they use. It starts new pods where that changes."""
APPLICATION = "PGAPPNAME"
"""By it libpq tells a server who is connected, whatever connection string was taken."""
_LONGEST_LABEL = 63

Manifest = dict[str, Any]


def copy_of(live: Mapping[str, Any], canary: Canary) -> Manifest:
    """``metadata`` and ``spec`` of the copy. Problem "canary-variable-missing"."""
    place, spec = canary.deployment, live["spec"]
    mark = {LABEL: canary.copy_name[:_LONGEST_LABEL].rstrip("-._")}
    return {
        "metadata": {"name": canary.copy_name, "namespace": place.namespace, "labels": mark},
        "spec": {
            "replicas": canary.pods,
            "selector": {"matchLabels": mark},
            "minReadySeconds": spec.get("minReadySeconds", 0),
            "progressDeadlineSeconds": int(place.timeout),
            "template": _template(spec["template"], canary, mark),
        },
    }


def secret_of(canary: Canary) -> Manifest:
    """``metadata`` of the Secret that holds its connection string."""
    return {"metadata": {"name": canary.copy_name, "namespace": canary.deployment.namespace}}


def withdraw_literals(manifest: Manifest, secret: str) -> dict[str, str]:
    """What variables have in clear, moved into a Secret: it may be a key, and no diff shall show it.

    ``manifest`` is changed in place, and the Secret's keys are given. What is made of other variables
    (``$(NAME)``) stays: Kubernetes fills those in only where they stand.
    """
    moved: dict[str, str] = {}
    pod = manifest["spec"]["template"]["spec"]
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        for one in container.get("env", ()):
            if one["name"] != APPLICATION and "$(" not in one.get("value", "$("):
                key = f"{container['name']}.{one['name']}"
                moved[key] = one.pop("value")
                one["valueFrom"] = {"secretKeyRef": {"name": secret, "key": key}}
    return moved


def share(live: Mapping[str, Any], canary: Canary) -> str:
    """The weight of the copy in words."""
    if not canary.traffic:
        return f"{canary.copy_name} gets no requests: no Service selects its pods."
    others = int(live["spec"].get("replicas", 1))
    percent = round(100 * canary.pods / (canary.pods + others))
    return (
        f"{canary.copy_name} gets about {percent} % of the requests: "
        f"{canary.pods} of {canary.pods + others} pods."
    )


def _template(template: Mapping[str, Any], canary: Canary, mark: Mapping[str, str]) -> Manifest:
    metadata, spec = template.get("metadata", {}), template["spec"]
    used = f"{canary.restore}{'' if canary.writes else ', read-only'}"
    led = {
        kind: [_led(one, canary) for one in spec[kind]]
        for kind in ("initContainers", "containers")
        if kind in spec
    }
    if not any(_is_given(one, canary.variable) for kind in led for one in spec[kind]):
        raise _unled(canary)
    return {
        "metadata": {
            "labels": {**(metadata.get("labels", {}) if canary.traffic else {}), **mark},
            "annotations": {**metadata.get("annotations", {}), DATABASE: used},
        },
        "spec": {**spec, **led},
    }


def _led(container: Mapping[str, Any], canary: Canary) -> Manifest:
    """A container of the copy: with the restore's connection string, where it is given one at all.

    It comes first, so that variables made of it (``$(DATABASE_URL)``) are made of this one.
    """
    own: Manifest = deepcopy(dict(container))
    if not _is_given(own, canary.variable):
        return own
    reference = {"secretKeyRef": {"name": canary.copy_name, "key": canary.variable}}
    ours: list[Manifest] = [
        {"name": canary.variable, "valueFrom": reference},
        {"name": APPLICATION, "value": canary.copy_name},
    ]
    named = {one["name"] for one in ours}
    return {**own, "env": ours + [one for one in own.get("env", []) if one["name"] not in named]}


def _is_given(container: Mapping[str, Any], variable: str) -> bool:
    """Whether the variable is among its own, or may be among those of a whole Secret or ConfigMap."""
    own = any(one["name"] == variable for one in container.get("env", []))
    return own or bool(container.get("envFrom"))


def _unled(canary: Canary) -> Problem:
    place, variable = canary.deployment, canary.variable
    what = (
        f"No container of deployment {place.name} in namespace {place.namespace} is given {variable}: "
        "a copy would go on with the database that serves."
    )
    cure = (
        "Name the variable that holds the connection string (--variable, or `variable` in `reforge:canary`): "
        f"kubectl -n {place.namespace} set env deployment/{place.name} --list"
    )
    return Problem("canary-variable-missing", what, cure)
