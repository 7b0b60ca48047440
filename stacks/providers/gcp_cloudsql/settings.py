"""What the config says about a database in Google Cloud SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from stacks import restores
from stacks.messages import PREFIX
from stacks.sources import KnownProvider
from stacks.sources import Source as AnySource

INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance"
HOLD_DATA = (INSTANCE,)
LONGEST = 98
"""Of "PROJECT:INSTANCE"; https://cloud.google.com/sql/docs/postgres/instance-settings."""

InstanceName = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$", max_length=LONGEST)]
Project = Annotated[str, StringConstraints(pattern=r"^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$")]
Tier = Annotated[str, StringConstraints(pattern=r"^db(-[A-Za-z0-9]+)+$")]
Zone = Annotated[str, StringConstraints(pattern=r"^[a-z]+-[a-z]+\d+-[a-z]$")]
_BACKUP = re.compile(
    r"(?:projects/(?P<project>[^/]+)/instances/(?P<instance>[^/]+)/backupRuns/)?(?P<id>[1-9]\d*)"
)


class Source(AnySource):
    """The original by its project and instance ID; credentials come from the environment."""

    provider: Annotated[Literal["gcp-cloudsql"], KnownProvider]
    project: Project = Field(description="the project ID of the original, where restores are made too")
    instance: InstanceName = Field(description="the original's instance ID")
    like: InstanceName | None = Field(
        None, description="the instance whose settings a restore gets, where the original is gone"
    )

    def place_of(self, restore: str) -> tuple[str, str]:
        return INSTANCE, f"projects/{self.project}/instances/{restore}"

    def complaints(self, restores: Mapping[str, Any]) -> list[str]:
        found = []
        for name, restore in sorted(restores.items()):
            if restore.from_.replica in (self.instance, self.like) and restore.from_.replica:
                found.append(
                    f"{PREFIX}restores.{name}.from.replica: is the original itself; name its read replica"
                )
            if name in (self.instance, self.like):
                # A backup restored to an instance that is there overwrites it.
                found.append(
                    f"{PREFIX}restores.{name}: is an instance that exists; a restore is always a new one"
                )
            elif len(f"{self.project}:{name}") > LONGEST:
                longest = LONGEST - len(self.project) - 1
                found.append(f"{PREFIX}restores.{name}: is too long for {self.project}: at most {longest}")
        return found


class Restore(restores.Released):
    """A new instance under the restore's name."""

    SUPPORTED: ClassVar = ("snapshot", "time", "latest", "replica", "dump")
    size: Tier | None = Field(
        None, description="its tier, as db-custom-8-30720; the original's by default, never smaller"
    )
    zone: Zone | None = Field(None, description="the original's by default; another while its own is away")
    final_backup_days: int = Field(
        30, ge=1, le=365, description="release: for how many days the final backup is kept"
    )

    @field_validator("from_", mode="after")
    @classmethod
    def _a_backup_of_cloud_sql(cls, asked: restores.From) -> restores.From:
        if asked.snapshot and not _BACKUP.fullmatch(asked.snapshot):
            raise ValueError(
                f"snapshot: {asked.snapshot!r} is no backup of Cloud SQL; write its ID, as 1764558000000, or "
                "projects/PROJECT/instances/INSTANCE/backupRuns/ID for one of another instance"
            )
        return asked

    @model_validator(mode="after")
    def _as_cloud_sql_does_it(self) -> Restore:
        if not self.from_.inclusive:
            raise ValueError("`inclusive: false` is not possible: Cloud SQL restores to the given time")
        if self.from_.fence or self.from_.accept_loss:
            raise ValueError("`fence` and `accept-loss` are not possible: nobody is superuser in Cloud SQL")
        if not self.from_.checksums:
            raise ValueError("from.checksums: Cloud SQL decides that")
        if self.from_.replica and (self.size or self.zone):
            raise ValueError("`size` and `zone` have no meaning with replica: it is promoted as it is")
        return self


def backup_of(snapshot: str, source: Source) -> tuple[str, str, int]:
    """Project, instance and ID of the backup that the config names; of the original where it names none."""
    found = _BACKUP.fullmatch(snapshot)
    if found is None:
        raise ValueError(snapshot)  # refused by the model before
    return found["project"] or source.project, found["instance"] or source.instance, int(found["id"])


def cpus(tier: str) -> int:
    """The virtual CPUs that a tier's name tells: db-custom-4-15360 has 4; 0 for one that shares its CPU."""
    custom = re.search(r"custom-(?:[A-Z0-9]+-)?(\d+)-\d+$", tier)
    named = custom or re.search(r"-(\d+)$", tier)
    return int(named[1]) if named else 0


def is_plus(tier: str) -> bool:
    """Whether a tier is of the edition Enterprise Plus, which no other has and which has no other."""
    return tier.startswith(("db-perf-optimized-", "db-c4a-highmem-"))
