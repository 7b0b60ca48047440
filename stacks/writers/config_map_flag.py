"""A feature flag in a ConfigMap: on only when all writers may work, off for a pause and a canary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from stacks.clusters import ClusterKey
from stacks.endpoints import Target
from stacks.writers import Writer

if TYPE_CHECKING:
    import pulumi


class Settings(ClusterKey, Writer):
    """``config-map-flag: {namespace: starforge, name: flags, key: ingestion}``"""

    key: str = Field(pattern=r"^[-._a-zA-Z0-9]+$", description="the key in its data")
    on: str = "true"
    off: str = "false"

    @property
    def label(self) -> str:
        return f"{self.labelled('config-map-flag')}#{self.key}"

    def declare(self, writing: str, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        from stacks.plugin import KubernetesConfigMapKey

        value = self.on if writing == "all" else self.off
        return KubernetesConfigMapKey(self.label, {**self.read_by, "value": value, "shown": value}, options)
