"""A CronJob on Kubernetes: suspended for a pause and a canary, and what it has started is waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from stacks.clusters import ClusterWriter

if TYPE_CHECKING:
    from stacks.plugin import KubernetesWriter


class Settings(ClusterWriter):
    """``cron-job: {namespace: starforge, name: nightly}``"""

    KIND: ClassVar = "cron-job"

    def resource(self) -> type[KubernetesWriter]:
        from stacks.plugin import KubernetesSchedule

        return KubernetesSchedule
