"""Declares a cloud's read replica that is promoted at the cut-over; somebody else made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from stacks.endpoints import Target
from stacks.model import Config
from stacks.plugin import Promotion
from stacks.urls import moved


def declare_promotion(
    kind: type[Promotion],
    name: str,
    config: Config[Any, Any],
    source_url: pulumi.Output[str],
    where: Mapping[str, Any],
) -> Target:
    """The promotion of ``restores.NAME``, and how it is reached; ``where`` are the cloud's own inputs."""
    serving = config.serving == name
    promotion = kind(
        name,
        {
            "name": name,
            "replica": config.restores[name].from_.replica,
            "source": config.source.instance,
            **where,
            "promote": serving,
        },
        pulumi.ResourceOptions(protect=serving, custom_timeouts=pulumi.CustomTimeouts(update="3h")),
    )
    host, port = promotion.host, promotion.port
    url = pulumi.Output.all(source_url, host, port).apply(lambda known: moved(*known))
    return Target(name, pulumi.Output.secret(url), host, port, (promotion,))
