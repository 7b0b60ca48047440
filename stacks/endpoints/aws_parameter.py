"""A parameter of the AWS Systems Manager that the application reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from stacks.endpoints import Target
from stacks.held import HeldValue
from stacks.values import Text

if TYPE_CHECKING:
    import pulumi


class Settings(HeldValue):
    """``aws-parameter: {name: /starforge/database-url}``"""

    name: Text = Field(description="the parameter's name")
    region: Text | None = Field(None, description="the parameter's region, else the environment's")

    @property
    def label(self) -> str:
        return f"aws-parameter:{self.name}"

    def declare(self, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        from stacks.plugin import AwsParameter

        place = {"name": self.name, "region": self.region}
        return AwsParameter(self.label, {**place, **self.value(target)}, options)
