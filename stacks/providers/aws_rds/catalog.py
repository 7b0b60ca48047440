"""What can be restored from RDS: snapshots, the window of the automated backups, read replicas. No pulumi."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from problem import Misuse
from stacks.looking import Looking
from stacks.providers.aws_rds.api import Rds, Record
from stacks.providers.aws_rds.gates import window
from stacks.providers.aws_rds.settings import Source

GIB = 2**30


@dataclass(frozen=True)
class Catalog:
    """Everything that ``reforge sources`` shows; times in ISO 8601, UTC, sizes in bytes."""

    snapshots: tuple[Record, ...]
    """Of RDS' own records, oldest first, with ``problems`` in words."""
    earliest: datetime | None
    latest: datetime | None
    replicas: tuple[dict[str, Any], ...]
    quotas: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    """What these credentials may not see, in words."""

    def document(self) -> dict[str, Any]:
        """One JSON document, with the names that the catalogs of all providers share."""
        span = {"backup": "automated backups", "start": _iso(self.earliest), "end": _iso(self.latest)}
        return {
            "backups": [_backup(one) for one in self.snapshots],
            "windows": [{**span, "timeline": None, "gaps": []}] if self.latest else [],
            "stillInSource": [],
            "readReplicas": list(self.replicas),
            "quotas": {name: {"used": used, "allowed": top} for name, (used, top) in self.quotas.items()},
            "unseen": list(self.unseen),
        }


def what_can_be_restored(source: Source) -> Catalog:
    """Ask RDS; nothing is changed. Problem where it cannot be asked at all.

    Of an original that is gone the snapshots are left; Problem where those are gone as well.
    """
    rds = Rds(source.region)
    looking = Looking("aws-denied")
    own = rds.snapshots(source.instance)
    instance = (rds.instance_if_any(source.instance) or {}) if own else rds.instance(source.instance)
    backups = looking.at(
        "the window's beginning", lambda: rds.automated_backups(source.instance), list[Record]()
    )
    shared = looking.at("snapshots that other accounts share", rds.shared_snapshots, list[Record]())
    snapshots = [*own, *({**one, "SnapshotType": "shared"} for one in shared)]
    earliest, latest = window(backups, instance)
    return Catalog(
        snapshots=tuple(sorted(snapshots, key=_taken)),
        earliest=earliest,
        latest=latest,
        replicas=tuple(_replica(name, rds) for name in instance.get("ReadReplicaDBInstanceIdentifiers", [])),
        quotas=looking.at("quotas", rds.quotas, dict[str, tuple[int, int]]()),
        unseen=tuple(looking.unseen),
    )


def look_around(given: Mapping[str, Any]) -> dict[str, Any]:
    """The ``source`` of a config, found by what is ``given``: ``url``, ``region``, ``instance``, any of them.

    Misuse ``rds-instance-unclear`` with the instances that there are, where none or several fit.
    """
    rds = Rds(given.get("region"))
    parts = urlsplit(given.get("url") or "")
    fitting = [one for one in rds.instances() if _fits(one, given.get("instance"), parts.hostname)]
    if len(fitting) != 1:
        raise _unclear(fitting or rds.instances(), rds.region)
    name = fitting[0]["DBInstanceIdentifier"]
    database = unquote(parts.path.lstrip("/")) or fitting[0].get("DBName") or "postgres"
    return {"provider": "aws-rds", "instance": name, "region": rds.region, "database": database}


def _fits(found: Record, name: str | None, host: str | None) -> bool:
    if found["Engine"] != "postgres":
        return False
    if name:
        return bool(found["DBInstanceIdentifier"] == name)
    return host is None or found.get("Endpoint", {}).get("Address") == host


def _unclear(found: list[Record], region: str) -> Misuse:
    names = ", ".join(one["DBInstanceIdentifier"] for one in found if one["Engine"] == "postgres") or "none"
    what = f"Which instance in {region} is the original? PostgreSQL ones that these credentials see: {names}."
    return Misuse("rds-instance-unclear", what, "Name it: --instance NAME")


def _replica(name: str, rds: Rds) -> dict[str, Any]:
    """A read replica of this region; one elsewhere is named by its ARN."""
    if name.startswith("arn:"):
        return {"name": name, "status": "", "problem": "lies in another region"}
    found = rds.instance(name)
    broken = [one for one in found.get("StatusInfos", []) if not one.get("Normal", True)]
    problem = "; ".join(one.get("Message") or one["Status"] for one in broken)
    if found["DBInstanceStatus"] != "available":
        problem = problem or f"is {found['DBInstanceStatus']}"
    return {"name": name, "status": found["DBInstanceStatus"], "problem": problem}


def _backup(snapshot: Record) -> dict[str, Any]:
    ready = snapshot["Status"] == "available"
    shared = snapshot["SnapshotType"] == "shared"
    sealed = ", encrypted" if snapshot.get("Encrypted") else ""
    return {
        "name": snapshot["DBSnapshotArn" if shared else "DBSnapshotIdentifier"],
        "size": int(snapshot["AllocatedStorage"]) * GIB,
        "started": _iso(snapshot.get("SnapshotCreateTime")),
        "finished": None,
        "timeline": None,
        "version": snapshot["EngineVersion"],
        "form": f"{snapshot['SnapshotType']}{sealed}",
        "tablespaces": {},
        "buildsOn": [],
        "problems": [] if ready else [f"is {snapshot['Status']} ({snapshot.get('PercentProgress', 0)} %)"],
    }


def _taken(snapshot: Record) -> datetime:
    """When it was taken; one that is being made has no time yet and comes last."""
    return snapshot.get("SnapshotCreateTime") or datetime.max.replace(tzinfo=UTC)


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if moment else None
