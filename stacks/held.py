"""What a place of one text value gets of the instance that serves: the settings of every such endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from stacks.endpoints import Endpoint, Target
from stacks.urls import masked

if TYPE_CHECKING:
    import pulumi


class HeldValue(Endpoint):
    """Base of endpoints whose place holds the connection string, or a part of it."""

    holds: Literal["url", "host", "port"] = Field(
        "url", description="what the value is: the whole connection string, or its host or port alone"
    )

    def value(self, target: Target) -> dict[str, pulumi.Input[Any]]:
        """``value`` and, for a reviewer, ``shown``: no password is in it.

        For the source there is no value: what was there before is kept, or comes back as it was.
        """
        import pulumi

        if target.name == "source":
            return {"value": None, "shown": "what was there before"}
        if self.holds == "url":
            return {"value": target.url, "shown": pulumi.Output.unsecret(target.url.apply(masked))}
        if self.holds == "host":
            return {"value": target.host, "shown": target.host}
        port = target.port.apply(lambda number: str(int(number)))
        return {"value": port, "shown": port}


def label(target: Target) -> str:
    """Under what the value of before is found again, in places that keep versions."""
    return f"reforge-before-{target.name}"
