"""The damaged database as every provider knows it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from stacks.kinds import kinds
from stacks.messages import nearest
from stacks.values import Identifier, Strict, Text


def _known(name: str) -> str:
    known = kinds("stacks.providers")
    if name not in known:
        raise ValueError(f"{name!r} is not a provider{nearest(name, known)} (allowed: {', '.join(known)})")
    return name


class Source(Strict):
    """What every provider's source has; a provider's own class adds to it."""

    provider: Annotated[str, AfterValidator(_known)] = Field(description="local")
    instance: Text = Field(description="the original's name, for people and for the provider")
    database: Identifier
