"""Whether a project's database lets a role in from here, before anything relies on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbrestore.handler import Context
from dbrestore.logical.entrance import why_shut
from dbrestore.supabase import waiting
from problem import Problem

DATABASE = "postgres"
"""Of every project."""


def require(place: Mapping[str, Any], role: str, password: str, context: Context) -> None:
    """Wait until it does: a pooler learns of a new project some seconds late.

    Problem ``supabase-no-entry`` after the limit.
    """
    said = [""]
    entered = {
        "host": str(place["host"]),
        "port": str(place["port"]),
        "user": f"{role}{place['suffix']}",
        "password": password,
        "dbname": DATABASE,
    }

    def look() -> bool | None:
        said[0] = why_shut(entered)
        return None if said[0] else True

    def late() -> Problem:
        what = f"{place['host']}:{place['port']} does not let {role}{place['suffix']} in: {said[0]}"
        cure = (
            "Add this machine's network to `operators`; in an adopted clone, set the application's password. "
            "Then run the same command again."
        )
        return Problem("supabase-no-entry", what, cure)

    waiting.until(look, waiting.ENTRY_SECONDS, late, context)
