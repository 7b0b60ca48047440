"""Declares a read replica of the original that is promoted at the cut-over; somebody else made it."""

from __future__ import annotations

import pulumi

from stacks.endpoints import Target
from stacks.model import Config
from stacks.plugin import RdsPromotion
from stacks.promoted import declare_promotion
from stacks.providers.aws_rds.settings import Restore, Source


def declare(
    name: str, config: Config[Source, Restore], source_url: pulumi.Output[str], region: str
) -> Target:
    """The promotion of ``restores.NAME``, and how the replica is reached.

    Of our own plugin: the replica exists, and a ``pulumi_aws`` resource that declared it would delete it
    with its entry. Nor does that provider wait for a promotion, and once done, naming the source again
    for a rollback would replace the instance.
    """
    return declare_promotion(RdsPromotion, name, config, source_url, {"region": region})
