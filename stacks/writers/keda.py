"""A ScaledObject of KEDA's: held at 0 replicas, at one as a canary, or let go again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from stacks.clusters import ClusterWriter

if TYPE_CHECKING:
    from stacks.plugin import KubernetesWriter


class Settings(ClusterWriter):
    """``keda: {namespace: starforge, name: etl-worker}``"""

    KIND: ClassVar = "keda"

    def resource(self) -> type[KubernetesWriter]:
        from stacks.plugin import KubernetesScaledObject

        return KubernetesScaledObject
