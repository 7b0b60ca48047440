"""What a test may have go wrong at Supabase, and what it was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Recorded:
    """A call as it came in."""

    method: str
    path: str
    body: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Faults:
    """What goes wrong, each for as long as it says."""

    throttled: int = 0
    """So many calls are answered 429, with ``retry_after`` seconds."""
    retry_after: str = "0.2"
    expires_after: int | None = None
    """The token is refused after so many more calls."""
    breaks_after_create: bool = False
    """The next project is made, and the answer is 500."""
    away: int = 0
    """So many calls are answered 503."""
    quota: bool = False
    stuck: str = ""
    """New projects stay in this status."""
    cannot_restrict: bool = False
    restrictions_stuck: bool = False
