"""A horizontal pod autoscaler with its target: at 0, pinned to one as a canary, or as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from stacks.clusters import ClusterWriter

if TYPE_CHECKING:
    from stacks.plugin import KubernetesWriter


class Settings(ClusterWriter):
    """``hpa: {namespace: starforge, name: etl-worker}``"""

    KIND: ClassVar = "hpa"

    def resource(self) -> type[KubernetesWriter]:
        from stacks.plugin import KubernetesAutoscaler

        return KubernetesAutoscaler
