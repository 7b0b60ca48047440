"""A Job on Kubernetes that may be at work: waited for, or suspended and let go on afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from stacks.clusters import ClusterWriter

if TYPE_CHECKING:
    from stacks.plugin import KubernetesWriter


class Settings(ClusterWriter):
    """``job: {namespace: starforge, name: backfill}``"""

    KIND: ClassVar = "job"

    suspend: bool = Field(
        False, description="suspend it, which ends its pods, in place of waiting until it is done"
    )

    def resource(self) -> type[KubernetesWriter]:
        from stacks.plugin import KubernetesJob

        return KubernetesJob

    def more(self) -> dict[str, Any]:
        return {"suspend": self.suspend}
