"""Waits for Supabase: each has a limit and ends in a named state."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from dbrestore.handler import Context
from problem import Problem

HEALTHY_SECONDS = 1800.0
"""A project is usually there within two minutes; https://status.supabase.com tells of other days."""
APPLIED_SECONDS = 600.0
ENTRY_SECONDS = 60.0
FIRST_SECONDS, LONGEST_SECONDS = 0.5, 10.0
"""Between two looks; the first ones follow each other quickly, and the limit of calls is never reached."""
Found = TypeVar("Found")


def until(
    look: Callable[[], Found | None], limit: float, late: Callable[[], Problem], context: Context
) -> Found:
    """The first thing that ``look`` finds; ``late`` after ``limit`` seconds, ``interrupted`` when stopped."""
    end, pause = time.monotonic() + limit, FIRST_SECONDS
    while (found := look()) is None:
        if time.monotonic() + pause > end:
            raise late()
        if context.cancelled.wait(pause):
            raise Problem(
                "interrupted",
                "Interrupted while waiting for Supabase.",
                "The same command goes on from there.",
            )
        pause = min(pause * 1.5, LONGEST_SECONDS)
    return found
