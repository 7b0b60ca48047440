"""The event sources of an AWS Lambda function: all off, one on as a canary, or those that were on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from stacks.endpoints import Target
from stacks.values import Text
from stacks.writers import Writer

if TYPE_CHECKING:
    import pulumi


class Settings(Writer):
    """``lambda-event-source: {function: process-snapshot}``"""

    function: Text = Field(description="the function's name or ARN")
    region: Text | None = Field(None, description="its region, else the environment's")

    @property
    def label(self) -> str:
        return f"lambda-event-source:{self.function}"

    def declare(self, writing: str, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        from stacks.plugin import AwsEventSources

        place = {"function": self.function, "region": self.region}
        return AwsEventSources(self.label, {**place, "desired": writing}, options)
