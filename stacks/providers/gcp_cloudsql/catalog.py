"""What can be restored from Cloud SQL: backups, the window of point-in-time recovery, replicas. No pulumi."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from problem import Misuse
from stacks.looking import Looking
from stacks.providers.gcp_cloudsql import shape
from stacks.providers.gcp_cloudsql.api import CloudSql, Record
from stacks.providers.gcp_cloudsql.settings import Source

PROJECT = ("GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")
"""Where Google's provider and tools look for the project, in that order."""


@dataclass(frozen=True)
class Catalog:
    """Everything that ``reforge sources`` shows; times in ISO 8601, UTC, sizes in bytes."""

    backups: tuple[Record, ...]
    """Of Cloud SQL's own records, oldest first."""
    window: tuple[str, str] | None
    replicas: tuple[dict[str, Any], ...]
    tiers: tuple[str, ...] = ()
    """The named ones of the original's region; custom ones are not listed."""
    unseen: tuple[str, ...] = ()
    """What these credentials may not see, in words."""

    def document(self) -> dict[str, Any]:
        """One JSON document, with the names that the catalogs of all providers share."""
        start, end = self.window or (None, None)
        span = {"backup": "point-in-time recovery", "start": _seconds(start), "end": _seconds(end)}
        return {
            "backups": [_backup(one) for one in self.backups],
            "windows": [{**span, "timeline": None, "gaps": []}] if self.window else [],
            "stillInSource": [],
            "readReplicas": list(self.replicas),
            "quotas": {},
            "tiers": list(self.tiers),
            "unseen": list(self.unseen),
        }


def what_can_be_restored(source: Source) -> Catalog:
    """Ask Cloud SQL; nothing is changed. Problem where it cannot be asked at all."""
    api = CloudSql(source.project)
    original, looking = api.instance(source.instance), Looking("gcp-denied")
    recovers = original["settings"].get("backupConfiguration", {}).get("pointInTimeRecoveryEnabled")
    backups = looking.at("backups", lambda: api.backups(source.instance), list[Record]())
    window = looking.at("the window", lambda: api.window(source.instance), None) if recovers else None
    tiers = looking.at("tiers", api.tiers, list[Record]())
    here = [one["tier"] for one in tiers if original["region"] in one.get("region", [])]
    return Catalog(
        backups=tuple(sorted(backups, key=lambda one: str(one.get("startTime") or "~"))),
        window=window,
        replicas=tuple(_replica(name, api) for name in original.get("replicaNames", [])),
        tiers=tuple(here),
        unseen=tuple(looking.unseen),
    )


def look_around(given: Mapping[str, Any]) -> dict[str, Any]:
    """The ``source`` of a config, found by what is ``given``: ``project``, ``url``, ``instance``.

    Misuse ``cloudsql-instance-unclear`` with the instances that there are, where none or several fit, and
    ``gcp-project-missing`` without a project.
    """
    api = CloudSql(_project(given))
    parts = urlsplit(given.get("url") or "")
    originals = [one for one in api.instances() if one["databaseVersion"].startswith("POSTGRES_")]
    fitting = [one for one in originals if _fits(one, given.get("instance"), parts.hostname)]
    if len(fitting) != 1:
        raise _unclear(fitting or originals, api.project)
    database = unquote(parts.path.lstrip("/")) or "postgres"
    found = {"provider": "gcp-cloudsql", "project": api.project, "instance": fitting[0]["name"]}
    return found | {"database": database}


def _project(given: Mapping[str, Any]) -> str:
    """The one that is given, or else the environment's."""
    named = [given.get("project"), *(os.environ.get(name) for name in PROJECT)]
    if found := next((one for one in named if one), None):
        return str(found)
    what = "Cloud SQL is asked by project, and none is named."
    raise Misuse("gcp-project-missing", what, "Name it: --source project=ID")


def _fits(found: Record, name: str | None, host: str | None) -> bool:
    if name:
        return bool(found["name"] == name)
    return host is None or host in (shape.address(found, "PRIMARY"), shape.address(found, "PRIVATE"))


def _unclear(found: list[Record], project: str) -> Misuse:
    names = ", ".join(one["name"] for one in found) or "none"
    what = (
        f"Which instance in {project} is the original? PostgreSQL ones that these credentials see: {names}."
    )
    return Misuse("cloudsql-instance-unclear", what, "Name it: --instance NAME")


def _replica(name: str, api: CloudSql) -> dict[str, Any]:
    found = api.instance(name)
    problem = "" if found["state"] == "RUNNABLE" else f"is {found['state']}"
    return {"name": name, "status": found["state"], "problem": problem}


def _backup(one: Record) -> dict[str, Any]:
    size = one.get("maxChargeableBytes")
    words = [one["type"].lower().replace("_", "-"), *([one["description"]] if one.get("description") else [])]
    return {
        "name": one["id"],
        "size": int(size) if size else None,
        "started": _seconds(one.get("startTime")),
        "finished": _seconds(one.get("endTime")),
        "timeline": None,
        "version": one.get("databaseVersion", "").removeprefix("POSTGRES_") or None,
        "form": ", ".join(words),
        "tablespaces": {},
        "buildsOn": [],
        "problems": [] if one["status"] == "SUCCESSFUL" else [f"is {one['status']}"],
    }


def _seconds(moment: str | None) -> str | None:
    """A time of Google's without its fraction."""
    return f"{moment[:19]}Z" if moment else None
