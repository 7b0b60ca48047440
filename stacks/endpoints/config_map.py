"""A key of a ConfigMap on Kubernetes, and new pods for the deployments that read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from stacks.clusters import ClusterEndpoint

if TYPE_CHECKING:
    from stacks.plugin import KubernetesKey


class Settings(ClusterEndpoint):
    """``config-map: {namespace: starforge, name: api, key: DATABASE_URL}``"""

    KIND: ClassVar = "config-map"

    def resource(self) -> type[KubernetesKey]:
        from stacks.plugin import KubernetesConfigMapKey

        return KubernetesConfigMapKey
