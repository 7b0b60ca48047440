"""Who may reach a project: its operators, and once it is accepted everybody whom the original lets in."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from archive.supabase import Reader, Record
from dbrestore.handler import Context
from dbrestore.supabase import waiting
from dbrestore.supabase.api import Api
from dbrestore.supabase.inputs import ProjectInputs
from problem import Problem, Refusal

EVERYBODY = frozenset({"0.0.0.0/0", "::/0"})
"""What the restrictions of a project say that nobody has restricted."""


def allowed(restrictions: Record) -> frozenset[str]:
    """The networks that restrictions let in."""
    config = restrictions.get("config") or {}
    if not config.keys() & {"dbAllowedCidrs", "dbAllowedCidrsV6"}:
        return EVERYBODY
    return frozenset([*config.get("dbAllowedCidrs", []), *config.get("dbAllowedCidrsV6", [])])


def wanted(inputs: ProjectInputs, api: Reader) -> frozenset[str]:
    """The networks that the project is to let in."""
    networks = frozenset(inputs.operators)
    if inputs.access == "application":
        networks |= allowed(api.restrictions(inputs.model))
    return networks


def restrict(ref: str, networks: Collection[str], api: Api, context: Context) -> list[str]:
    """Bring it about and wait until it holds; the networks. Already so is fine.

    Refusal ``supabase-cannot-restrict`` where the project's plan does not have it.
    """
    found = api.restrictions(ref)
    if found["entitlement"] != "allowed":
        what = f"Supabase does not let {ref} restrict its networks, so anybody could reach it."
        raise Refusal("supabase-cannot-restrict", what, "Raise the organization's plan.")
    if not _holds(found, networks):
        context.progress(f"letting in {', '.join(sorted(networks))}")
        api.restrict(ref, networks)

        def late() -> Problem:
            return Problem(
                "supabase-restrictions-late",
                f"The network restrictions of {ref} do not hold after {waiting.APPLIED_SECONDS:.0f} s.",
                "Run the same command again; it goes on from there.",
            )

        waiting.until(
            lambda: True if _holds(api.restrictions(ref), networks) else None,
            waiting.APPLIED_SECONDS,
            late,
            context,
        )
    return sorted(networks)


def _holds(found: dict[str, Any], networks: Collection[str]) -> bool:
    return found.get("status") == "applied" and allowed(found) == frozenset(networks)
