"""Declares a standby of the original that is promoted at the cut-over."""

from __future__ import annotations

from typing import Any

import pulumi

from stacks.endpoints import Target
from stacks.model import Config
from stacks.plugin import ReplicaPromotion
from stacks.providers.local.settings import Restore, Source
from stacks.urls import address, moved
from stacks.values import clear


def declare(name: str, config: Config[Source, Restore], source_url: pulumi.Output[str]) -> Target:
    """The standby of ``restores.NAME``, and how it is reached; somebody else made it."""
    wanted, serving = config.restores[name].from_, config.serving == name
    parties = _parties(name, config, source_url)
    holding = [entry.chosen for entry in config.endpoints if entry.chosen.HOLDS]
    promotion = ReplicaPromotion(
        name,
        {
            **parties,
            "serving": config.serving,
            "writing": config.writing,
            "by": "pgbouncer" if holding else "itself",
            "alone": len(config.endpoints) == len(holding) == 1,
        },
        pulumi.ResourceOptions(protect=serving),
    )
    at = address(clear(config.source.replicas[str(wanted.replica)].url))
    host, port = pulumi.Output.from_input(at[0]), pulumi.Output.from_input(at[1])
    url = pulumi.Output.all(source_url, host, port).apply(lambda known: moved(*known))
    return Target(
        name,
        pulumi.Output.secret(url),
        host,
        port,
        needs=(promotion,),
        promotion=pulumi.Output.secret(parties),
        promotes=f"{wanted.replica}, unless it is promoted already",
        releases=(promotion,),
    )


def _parties(name: str, config: Config[Source, Restore], source_url: pulumi.Output[str]) -> dict[str, Any]:
    """The servers that take part in the promotion, and what was decided about it."""
    source, wanted = config.source, config.restores[name].from_
    others = {other: clear(one.url) for other, one in source.replicas.items() if other != wanted.replica}
    return {
        "name": name,
        "replica": wanted.replica,
        "url": pulumi.Output.secret(clear(source.replicas[str(wanted.replica)].url)),
        "sourceUrl": source_url,
        "adminUrl": pulumi.Output.secret(clear(source.admin_url)) if source.admin_url else None,
        "fence": wanted.fence,
        "acceptLoss": wanted.accept_loss,
        "others": pulumi.Output.secret(others),
    }
