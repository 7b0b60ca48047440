"""A secret of Google Secret Manager, whole or one key of its JSON, that the application reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from stacks.endpoints import Target
from stacks.held import HeldValue, label
from stacks.values import Text

if TYPE_CHECKING:
    import pulumi


class Settings(HeldValue):
    """``gcp-secret: {project: starforge, id: database-url}`` or, of JSON, with ``key: url``"""

    project: Text = Field(description="the secret's project")
    id: Text = Field(description="the secret's name")
    key: Text | None = Field(None, description="a top-level key, where the secret is a JSON object")

    @property
    def label(self) -> str:
        return f"gcp-secret:{self.project}/{self.id}" + (f"#{self.key}" if self.key else "")

    def declare(self, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        from stacks.plugin import GcpSecret

        place = {"project": self.project, "secret": self.id, "key": self.key, "label": label(target)[:63]}
        return GcpSecret(self.label, {**place, **self.value(target)}, options)
