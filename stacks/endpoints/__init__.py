"""Everything that tells the application where its database is. One file a kind, each with ``Settings``."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from stacks.values import Strict

if TYPE_CHECKING:
    import pulumi


@dataclass(frozen=True)
class Target:
    """The instance that serves, as an endpoint needs to know it."""

    name: str
    """ "source" or a restore."""
    url: pulumi.Output[str]
    """The application's connection string there; a secret."""
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    needs: tuple[pulumi.Resource, ...] = ()
    """What must be done before anything points here."""
    promotion: pulumi.Output[dict[str, Any]] | None = None
    """The servers of a promotion that an endpoint carries out while it holds the clients; a secret."""
    promotes: str | None = None
    """The same in words."""
    releases: tuple[pulumi.Resource, ...] = ()
    """What must have let go of the source before it serves again."""


class Endpoint(Strict):
    """Base of an endpoint's settings; ``declare`` imports pulumi, so that reading a config stays quick."""

    PROVES: ClassVar[bool] = False
    """Whether its resource moves only after the new server took the application; such ones move first."""
    HOLDS: ClassVar[bool] = False
    """Whether it can hold clients while a standby is promoted, and does so."""

    @property
    @abstractmethod
    def label(self) -> str:
        """The resource's name, unique in a stack."""

    @abstractmethod
    def declare(self, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        """The resource that makes the application use ``target``."""
