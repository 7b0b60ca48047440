"""Declares a read replica of the original that is promoted at the cut-over; somebody else made it."""

from __future__ import annotations

from typing import Literal

import pulumi

from stacks.endpoints import Target
from stacks.model import Config
from stacks.plugin import CloudSqlPromotion
from stacks.promoted import declare_promotion
from stacks.providers.gcp_cloudsql.settings import Restore, Source


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
    where = {"project": config.source.project, "address": address}
    return declare_promotion(CloudSqlPromotion, name, config, source_url, where)
