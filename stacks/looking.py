"""A look into a cloud with fewer rights than one thinks to have: what may not be seen is named, no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from problem import Problem

Found = TypeVar("Found")


@dataclass
class Looking:
    """Asks several things of one cloud; ``unseen`` has what it kept from us, in words."""

    denied: str
    """The name of the problem by which that cloud says that one may not ask."""
    unseen: list[str] = field(default_factory=list)

    def at(self, what: str, ask: Callable[[], Found], instead: Found) -> Found:
        """What ``ask`` gives, or ``instead`` where these credentials are not allowed to ask it."""
        try:
            return ask()
        except Problem as problem:
            if problem.name != self.denied:
                raise
            self.unseen.append(f"{what}: {problem.what}")
            return instead
