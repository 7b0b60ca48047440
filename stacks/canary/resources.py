"""Declares the canary: a Deployment and the Secret of its connection string, both new and both ours."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.apps import v1 as apps
from pulumi_kubernetes.core import v1 as core

from stacks.canary import original
from stacks.canary.copying import APPLICATION, Manifest, copy_of, secret_of, share, withdraw_literals
from stacks.canary.settings import Canary
from stacks.endpoints import Target
from stacks.urls import for_canary

_REFERENCES = re.compile(r"(\$\(\w+\))*")


def declare(canary: Canary, target: Target, after: Sequence[pulumi.Resource]) -> pulumi.Resource:
    """The copy of the deployment, its pods led to ``target``; it is there once they are ready."""
    live, label = original.read(canary.deployment), canary.deployment.labelled("canary")
    options = _options(canary, [*target.needs, *after])
    url: pulumi.Output[str] = pulumi.Output.secret(
        target.url.apply(lambda text: for_canary(text, canary.copy_name, canary.writes))
    )
    copy = copy_of(live, canary)
    moved = withdraw_literals(copy, canary.copy_name)
    literals = {key: pulumi.Output.secret(value) for key, value in moved.items()}
    secret = core.Secret(
        f"{label}#{canary.variable}",
        opts=options,
        string_data=literals | {canary.variable: url},
        **secret_of(canary),
    )
    after_it = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[secret]))
    made = apps.Deployment(label, opts=after_it, **_composed_hidden(copy))
    pulumi.log.info(share(live, canary), made)
    return made


def _composed_hidden(manifest: Manifest) -> Manifest:
    """What is made of other variables holds a key perhaps: the engine then hides all of its containers."""
    pod = manifest["spec"]["template"]["spec"]
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        for one in container.get("env", ()):
            if one["name"] != APPLICATION and not _REFERENCES.fullmatch(one.get("value", "")):
                one["value"] = pulumi.Output.secret(one["value"])
    return manifest


def _options(canary: Canary, after: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
    context, limit = canary.deployment.context, f"{canary.deployment.timeout:g}s"
    return pulumi.ResourceOptions(
        provider=Provider(f"cluster:{context}", context=context) if context else None,
        depends_on=list(after),
        custom_timeouts=pulumi.CustomTimeouts(create=limit, update=limit, delete=limit),
    )
