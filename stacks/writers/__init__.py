"""Everything that writes to the database by itself. One file a kind, each with ``Settings``."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from stacks.endpoints import Target
from stacks.values import Strict

if TYPE_CHECKING:
    import pulumi


class Writer(Strict):
    """Base of a writer's settings; ``declare`` imports pulumi, so that reading a config stays quick."""

    @property
    @abstractmethod
    def label(self) -> str:
        """The resource's name, unique in a stack."""

    @abstractmethod
    def declare(self, writing: str, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        """The resource that lets this writer work on ``target``: "none", "canary" or "all"."""
