"""How a project of ours is known: by its name, which says whose it is and how far it is.

Supabase has no tags for projects; the name is all that survives a killed run, and people see it as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from archive.supabase import Record
from problem import Problem

MAKING, LOADING, READY = "making", "loading", "ready"


@dataclass(frozen=True)
class Mark:
    """The names of one restore's project."""

    name: str
    """"before-accident-reforge-3fa9c1d2-77ab": whose it is, what it holds; longer while it is half-made."""

    @classmethod
    def of(cls, restore: str, whose: str, what: str) -> Mark:
        """``whose``: the same for the same resource of the same original; ``what``: the same for one dump."""
        return cls(f"{restore}-reforge-{_digest(whose)[:8]}-{_digest(what)[:4]}")

    def at(self, phase: str) -> str:
        """The project's name in a phase."""
        return self.name if phase == READY else f"{self.name}-{phase}"

    def phase(self, project: Record) -> str | None:
        """How far a project of ours is; None for anybody else's."""
        found = re.fullmatch(rf"{re.escape(self.name)}(?:-({MAKING}|{LOADING}))?", project["name"])
        return (found[1] or READY) if found else None

    def others(self, projects: Iterable[Record]) -> list[Record]:
        """Ours as well, but of another dump than this restore says now."""
        base = re.escape(self.name.rpartition("-")[0])
        ours = re.compile(rf"{base}-[0-9a-f]{{4}}(?:-(?:{MAKING}|{LOADING}))?")
        alive = (one for one in projects if one.get("status") not in GONE)
        return [one for one in alive if ours.fullmatch(one["name"]) and not self.phase(one)]

    def find(self, projects: Iterable[Record]) -> Record | None:
        """Our project among all; Problem ``supabase-two-projects`` where it cannot be told which it is."""
        ours = [one for one in projects if self.phase(one) and one.get("status") not in GONE]
        if len(ours) > 1:
            what = f"{self.name} is there more than once: {', '.join(ref_of(one) for one in ours)}."
            cure = "Delete in the dashboard all of them but the one to keep, then run the same command again."
            raise Problem("supabase-two-projects", what, cure)
        return ours[0] if ours else None


GONE = ("REMOVED", "GOING_DOWN")


def unfinished(project: Record) -> bool:
    """Whether a project of ours is half-made."""
    return str(project["name"]).endswith((f"-{MAKING}", f"-{LOADING}"))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def ref_of(project: Record) -> str:
    """The ref of a project's record; older answers have it as ``id`` alone."""
    return str(project.get("ref") or project["id"])
