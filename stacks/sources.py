"""The damaged database as every provider knows it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from stacks.kinds import kinds
from stacks.messages import nearest
from stacks.values import Identifier, Strict, Text


def _known(name: object) -> object:
    known = kinds("stacks.providers")
    if name not in known:
        raise ValueError(
            f"{name!r} is not a provider{nearest(str(name), known)} (allowed: {', '.join(known)})"
        )
    return name


KnownProvider = BeforeValidator(_known)
"""Tells of all providers, where the provider's own type would only tell of itself."""


class Source(Strict):
    """What every provider's source has; a provider's own class adds to it."""

    provider: Annotated[str, KnownProvider] = Field(description="local")
    instance: Text = Field(description="the original's name, for people and for the provider")
    database: Identifier

    @property
    def standbys(self) -> list[str]:
        """Names of standbys; their URLs are the secrets ``source.replicas.NAME.url``."""
        return []

    def complaints(self, restores: Mapping[str, Any]) -> list[str]:
        """What cannot be true of this source and these restores together, in words."""
        return []

    @abstractmethod
    def place_of(self, restore: str) -> tuple[str, str]:
        """The resource type and the identity of a restore, made or to be made, by its name."""
