"""Declares a read replica of the original that is promoted at the cut-over; somebody else made it."""

from __future__ import annotations

from typing import Literal

import pulumi

from stacks.endpoints import Target
from stacks.model import Config
from stacks.plugin import CloudSqlPromotion
from stacks.providers.gcp_cloudsql.settings import Restore, Source
from stacks.urls import moved


def declare(
    name: str,
    config: Config[Source, Restore],
    source_url: pulumi.Output[str],
    address: Literal["PRIMARY", "PRIVATE"],
) -> Target:
    """The promotion of ``restores.NAME``, and how the replica is reached.

    Of our own plugin: the replica exists, and a ``DatabaseInstance`` that declared it would delete it with
    its entry. That one promotes where ``instance_type`` becomes CLOUD_SQL_INSTANCE and the master's fields
    go; once done, naming them again for a rollback would replace the instance.
    """
    serving = config.serving == name
    promotion = CloudSqlPromotion(
        name,
        {
            "name": name,
            "replica": config.restores[name].from_.replica,
            "source": config.source.instance,
            "project": config.source.project,
            "address": address,
            "promote": serving,
        },
        pulumi.ResourceOptions(protect=serving, custom_timeouts=pulumi.CustomTimeouts(update="3h")),
    )
    host, port = promotion.host, promotion.port
    url = pulumi.Output.all(source_url, host, port).apply(lambda known: moved(*known))
    return Target(name, pulumi.Output.secret(url), host, port, (promotion,))
