"""A record of a Route 53 zone that the application's connection string names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stacks.endpoints import Target
from stacks.records import DnsRecord

if TYPE_CHECKING:
    import pulumi


class Settings(DnsRecord):
    """``route53: {zone: Z0123456789ABC, name: db.starforge.example}``"""

    @property
    def label(self) -> str:
        return f"route53:{self.name}#{self.type}"

    def declare(self, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        from stacks.plugin import AwsRecord

        return AwsRecord(self.label, self.record(target), options)
