"""Waits for Supabase: each has a limit and ends in a named state."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from dbrestore import waiting
from dbrestore.handler import Context
from dbrestore.waiting import Patience
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
    return waiting.until(look, late, Patience("Supabase", limit, FIRST_SECONDS, LONGEST_SECONDS), context)
