"""The settings of endpoints that are a DNS record: the application's URL names the record, not the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from stacks.endpoints import Endpoint, Target
from stacks.values import Text

if TYPE_CHECKING:
    import pulumi


class DnsRecord(Endpoint):
    """Base of them; the TTL is lowered and waited out before a move."""

    zone: Text = Field(description="the zone's id")
    name: Text = Field(description="the record's whole name")
    type: Literal["CNAME", "A"] = "CNAME"
    ttl: int = Field(30, ge=1, le=86400, description="seconds, while and before it is moved")
    lower: bool = Field(False, description="lower the TTL now, so that a cut-over need not wait for it")
    longest_wait: float = Field(
        900, gt=0, le=86400, description="seconds that a cut-over may wait for the old TTL to be over"
    )

    def record(self, target: Target) -> dict[str, pulumi.Input[Any]]:
        """The resource's inputs. The source has no host here: its own URL may name this very record."""
        return {
            "zone": self.zone,
            "name": self.name,
            "type": self.type,
            "ttl": self.ttl,
            "lower": self.lower,
            "longestWait": self.longest_wait,
            "host": None if target.name == "source" else target.host,
            "port": target.port,
        }
