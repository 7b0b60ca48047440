"""A Secret that the External Secrets operator copies from a cloud: synced at once, then new pods.

The cloud's secret is an endpoint of its own; this one only has the copy made and looks at it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from stacks.clusters import ClusterEndpoint

if TYPE_CHECKING:
    from stacks.plugin import KubernetesKey


class Settings(ClusterEndpoint):
    """``external-secret: {namespace: starforge, name: api, key: DATABASE_URL}``"""

    KIND: ClassVar = "external-secret"

    def resource(self) -> type[KubernetesKey]:
        from stacks.plugin import KubernetesExternalSecret

        return KubernetesExternalSecret
