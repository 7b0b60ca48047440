"""What a cloud's catalog says beside backups and windows: replicas, clones, quotas, what may not be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cli.session import Session


def tell_cloud(session: Session, found: dict[str, Any]) -> str:
    """The tables that a catalog's document has; gives the restore to propose where it knows one."""
    for one in (_replicas, _clones, _quotas):
        one(session, found)
    for what in found.get("unseen", []):
        session.screen.warn(f"Not seen: {what}")
    fit = [one["name"] for one in found.get("readReplicas", []) if not one["problem"]]
    if fit:
        return f"restore NAME --replica {fit[0]}"
    # Which of them is a clone of the original, nobody but the operator knows.
    return "restore NAME --adopt REF" if found.get("adoptable") else ""


def _replicas(session: Session, found: dict[str, Any]) -> None:
    if rows := [[one["name"], one["status"], one["problem"]] for one in found.get("readReplicas", [])]:
        session.screen.heading("Read replicas:")
        session.screen.table(["name", "status", "problem"], rows)


def _clones(session: Session, found: dict[str, Any]) -> None:
    if rows := [[one["ref"], one["name"]] for one in found.get("adoptable", [])]:
        session.screen.heading("What may be adopted, where it is a clone of the original:")
        session.screen.table(["ref", "name"], rows)


def _quotas(session: Session, found: dict[str, Any]) -> None:
    """Only those that a restore counts against, so that a refusal is foreseen."""
    full = [(name, one) for name, one in found.get("quotas", {}).items() if one["used"] >= one["allowed"]]
    for name, one in full:
        session.screen.warn(f"The quota {name} is used up: {one['used']} of {one['allowed']}.")
