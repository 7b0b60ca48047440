"""A service of Amazon ECS: no tasks, one as a canary, or as many as there were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from stacks.endpoints import Target
from stacks.values import Text
from stacks.writers import Writer

if TYPE_CHECKING:
    import pulumi


class Settings(Writer):
    """``ecs-service: {cluster: starforge, service: etl-worker}``"""

    cluster: Text = Field(description="the cluster's name or ARN")
    service: Text = Field(description="the service's name")
    region: Text | None = Field(None, description="its region, else the environment's")

    @property
    def label(self) -> str:
        return f"ecs-service:{self.cluster}/{self.service}"

    def declare(self, writing: str, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        import pulumi

        from stacks.plugin import AwsService

        port = target.port.apply(lambda number: str(int(number)))
        place = {"cluster": self.cluster, "service": self.service, "region": self.region}
        database = pulumi.Output.concat(target.host, ":", port)
        return AwsService(self.label, {**place, "desired": writing, "database": database}, options)
