"""Waits for somebody else: each has a limit and ends in a named state."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from dbrestore.handler import Context
from problem import Problem

Found = TypeVar("Found")


@dataclass(frozen=True)
class Patience:
    """How long, and for whom; seconds. The first looks follow each other quickly."""

    whom: str
    limit: float
    first: float = 0.5
    longest: float = 10.0


def until(
    look: Callable[[], Found | None], late: Callable[[], Problem], patience: Patience, context: Context
) -> Found:
    """The first thing that ``look`` finds; ``late`` after the limit, ``interrupted`` when stopped."""
    end, pause = time.monotonic() + patience.limit, patience.first
    while (found := look()) is None:
        if time.monotonic() + pause > end:
            raise late()
        if context.cancelled.wait(pause):
            what = f"Interrupted while waiting for {patience.whom}."
            raise Problem("interrupted", what, "The same command goes on from there.")
        pause = min(pause * 1.5, patience.longest)
    return found
