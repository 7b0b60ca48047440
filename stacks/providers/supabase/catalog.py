"""What Supabase has of a project: backups, which only its dashboard restores elsewhere. No pulumi."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from archive.supabase import Reader, Record
from problem import Misuse
from stacks.looking import Looking
from stacks.providers.supabase.settings import Source

IN_PLACE = (
    "Supabase restores it in place by its API, which Reforge never does; "
    "in the dashboard: Database, Backups, Restore to new project; then: from: {adopt: REF}"
)


@dataclass(frozen=True)
class Catalog:
    """Everything that ``reforge sources`` shows; times in ISO 8601, UTC."""

    backups: tuple[Record, ...]
    """Of Supabase's own records."""
    window: tuple[datetime, datetime] | None
    """Of PITR."""
    clones: tuple[Record, ...]
    """Healthy projects of the same organization and region, which may be clones to adopt."""
    unseen: tuple[str, ...] = ()
    """What the token may not see, in words."""

    def document(self) -> dict[str, Any]:
        """One JSON document, with the names that the catalogs of all providers share."""
        reached = [_pitr(*self.window)] if self.window else []
        return {
            "backups": [*map(_backup, self.backups), *reached],
            "windows": [],  # none that a restore of Reforge's own could take a time of
            "stillInSource": [],
            "adoptable": [{"ref": one["id"], "name": one["name"]} for one in self.clones],
            "unseen": list(self.unseen),
        }


def what_can_be_restored(source: Source) -> Catalog:
    """Ask Supabase; nothing is changed. Problem where the original cannot be seen at all."""
    with closing(Reader()) as api:
        original, looking = api.project(source.like or source.instance), Looking("supabase-denied")
        found = Record()  # of an original that is gone, nothing is left
        if not source.like:
            found = looking.at("backups", lambda: api.backups(source.instance), found)
        return Catalog(
            backups=tuple(sorted(found.get("backups", []), key=lambda one: str(one["inserted_at"]))),
            window=_reach(found),
            clones=tuple(one for one in api.projects() if _may_be_clone(one, original)),
            unseen=tuple(looking.unseen),
        )


def look_around(given: Mapping[str, Any]) -> dict[str, Any]:
    """The ``source`` of a config, found by what is ``given``: ``url``, ``instance``, either of them.

    Misuse ``supabase-project-unclear`` with the projects that there are, where none or several fit.
    """
    url = str(given.get("url") or "")
    with closing(Reader()) as api:
        projects = api.projects()
    asked = given.get("instance")
    fitting = [
        one for one in projects if (asked in (one["id"], one["name"]) if asked else one["id"] in _named(url))
    ]
    if len(fitting) != 1:
        known = ", ".join(f"{one['id']} ({one['name']})" for one in fitting or projects) or "none"
        what = f"Which project is the original? The token sees: {known}."
        raise Misuse("supabase-project-unclear", what, "Name it: --instance REF")
    return {"provider": "supabase", "instance": fitting[0]["id"], "database": "postgres"}


def _named(url: str) -> str:
    """Where a connection string names the project: db.REF.supabase.co, or ROLE.REF at the pooler."""
    parts = urlsplit(url)
    return f"{parts.hostname or ''} {parts.username or ''}"


def _may_be_clone(one: Record, original: Record) -> bool:
    alike = all(one.get(name) == original.get(name) for name in ("organization_id", "region"))
    return alike and one["id"] != original["id"] and one["status"] == "ACTIVE_HEALTHY"


def _reach(found: Record) -> tuple[datetime, datetime] | None:
    data = found.get("physical_backup_data") or {}
    ends = [data.get(f"{which}_physical_backup_date_unix") for which in ("earliest", "latest")]
    if not found.get("pitr_enabled") or None in ends:
        return None
    first, last = (datetime.fromtimestamp(int(end), UTC) for end in ends if end is not None)
    return first, last


def _pitr(start: datetime, end: datetime) -> dict[str, Any]:
    """Continuous, so that its form says how far it reaches."""
    first, last = (moment.isoformat().replace("+00:00", "Z") for moment in (start, end))
    return _row("PITR", first, f"any time until {last}", [])


def _backup(one: Record) -> dict[str, Any]:
    bad = [] if one["status"] == "COMPLETED" else [f"is {one['status']}"]
    form = "physical" if one["is_physical_backup"] else "logical"
    return _row(str(one.get("id", one["inserted_at"])), one["inserted_at"], form, bad)


def _row(name: str, started: str, form: str, bad: list[str]) -> dict[str, Any]:
    unknown = dict.fromkeys(("size", "finished", "timeline", "version"))
    lists = {"tablespaces": {}, "buildsOn": [], "problems": [*bad, IN_PLACE]}
    return {"name": name, "started": started, "form": form, **unknown, **lists}
