"""Declares the canary: a Deployment and the Secret of its connection string, both new and both ours."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.apps import v1 as apps
from pulumi_kubernetes.core import v1 as core

from stacks.canary import original
from stacks.canary.copying import APPLICATION, Manifest, copy_of, secret_of, share
from stacks.canary.settings import Canary
from stacks.endpoints import Target
from stacks.urls import for_canary


def declare(canary: Canary, target: Target, after: Sequence[pulumi.Resource]) -> pulumi.Resource:
    """The copy of the deployment, its pods led to ``target``; it is there once they are ready."""
    live, label = original.read(canary.deployment), canary.deployment.labelled("canary")
    options = _options(canary, [*target.needs, *after])
    url: pulumi.Output[str] = pulumi.Output.secret(
        target.url.apply(lambda text: for_canary(text, canary.copy_name, canary.writes))
    )
    secret = core.Secret(
        f"{label}#{canary.variable}",
        opts=options,
        string_data={canary.variable: url},
        **secret_of(canary),
    )
    after_it = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[secret]))
    copy = apps.Deployment(label, opts=after_it, **_literals_hidden(copy_of(live, canary)))
    pulumi.log.info(share(live, canary), copy)
    return copy


def _literals_hidden(manifest: Manifest) -> Manifest:
    """What variables have in clear may be a key: no diff and no state shall show it."""
    pod = manifest["spec"]["template"]["spec"]
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        for one in container.get("env", ()):
            if one["name"] != APPLICATION and "value" in one:
                one["value"] = pulumi.Output.secret(one["value"])
    return manifest


def _options(canary: Canary, after: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
    context, limit = canary.deployment.context, f"{canary.deployment.timeout:g}s"
    return pulumi.ResourceOptions(
        provider=Provider(f"cluster:{context}", context=context) if context else None,
        depends_on=list(after),
        custom_timeouts=pulumi.CustomTimeouts(create=limit, update=limit, delete=limit),
    )
