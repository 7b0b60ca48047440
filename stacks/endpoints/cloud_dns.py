"""A record of a Cloud DNS zone that the application's connection string names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from stacks.endpoints import Target
from stacks.records import DnsRecord
from stacks.values import Text

if TYPE_CHECKING:
    import pulumi


class Settings(DnsRecord):
    """``cloud-dns: {project: starforge, zone: internal, name: db.starforge.example}``"""

    project: Text = Field(description="the zone's project")

    @property
    def label(self) -> str:
        return f"cloud-dns:{self.name}#{self.type}"

    def declare(self, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        from stacks.plugin import GcpRecord

        return GcpRecord(self.label, {"project": self.project, **self.record(target)}, options)
