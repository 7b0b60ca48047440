"""A secret of AWS Secrets Manager, whole or one key of its JSON, that the application reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from stacks.endpoints import Target
from stacks.held import HeldValue, label
from stacks.values import Text

if TYPE_CHECKING:
    import pulumi


class Settings(HeldValue):
    """``aws-secret: {id: starforge/database-url}`` or, of JSON, ``{id: starforge/database, key: url}``"""

    id: Text = Field(description="the secret's name or ARN")
    key: Text | None = Field(None, description="a top-level key, where the secret is a JSON object")
    region: Text | None = Field(None, description="the secret's region, else the environment's")

    @property
    def label(self) -> str:
        return f"aws-secret:{self.id}" + (f"#{self.key}" if self.key else "")

    def declare(self, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        from stacks.plugin import AwsSecret

        place = {"secret": self.id, "key": self.key, "region": self.region, "label": label(target)}
        return AwsSecret(self.label, {**place, **self.value(target)}, options)
