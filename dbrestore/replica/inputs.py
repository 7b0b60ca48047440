"""What a promotion is declared with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dbrestore.handler import Inputs


class Parties(Inputs):
    """The servers that take part in a promotion, by connection strings that may hold passwords."""

    name: str
    """The restore."""
    replica: str
    """The standby's name in the config."""
    url: str
    """The standby, as a role that may promote it."""
    source_url: str
    """The original, as the application."""
    admin_url: str | None = None
    """The original, as a superuser: what the fence and a look at its standbys need."""
    fence: bool = False
    """Hold writes off the original from the promotion on; a return to it lifts that."""
    accept_loss: bool = False
    """Promote although the original does not answer, or has been written to since it parted."""
    others: dict[str, str] = Field(default_factory=dict)
    """Other standbys by name; they are told to follow the promoted one."""


class PromotionInputs(Parties):
    """A standby of the original that serves once it is promoted."""

    serving: str = "source"
    """What serves: ``source``, or a restore by its name."""
    writing: Literal["none", "canary", "all"] = "all"
    by: Literal["pgbouncer", "itself"] = "pgbouncer"
    """Who promotes: a route within its pause, or this resource where no route can hold clients."""
    alone: bool = True
    """Whether that pause holds everything that the config knows to reach the original."""

    def parties(self) -> Parties:
        """The servers alone."""
        return Parties.model_validate(self.model_dump(include=set(Parties.model_fields)))
