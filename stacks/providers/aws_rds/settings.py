"""What the config says about a database in Amazon RDS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from stacks import restores
from stacks.messages import PREFIX
from stacks.sources import KnownProvider
from stacks.sources import Source as AnySource
from stacks.values import NAME_PATTERN

INSTANCE, PROMOTION = "aws:rds/instance:Instance", "dbrestore:rds:Promotion"
HOLD_DATA = (INSTANCE, PROMOTION)
_ARN = "arn:"

InstanceName = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=63)]
"""A DB instance identifier: letters, digits and single hyphens, as RDS stores it, in lower case."""
SnapshotName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*$", max_length=255)
]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
ParameterGroup = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9.]*(-[a-z0-9.]+)*$", max_length=255)]
InstanceClass = Annotated[str, StringConstraints(pattern=r"^db\.[a-z0-9-]+\.[a-z0-9.]+$")]


class Source(AnySource):
    """The original by its DB instance identifier; credentials come from the environment."""

    provider: Annotated[Literal["aws-rds"], KnownProvider]
    instance: InstanceName = Field(description="the original's DB instance identifier")
    region: Region | None = Field(None, description="of the original; the environment's by default")
    like: InstanceName | None = Field(
        None, description="the instance whose settings a restore gets, where the original is gone"
    )

    def place_of(self, restore: str) -> tuple[str, str]:
        return INSTANCE, restore

    def complaints(self, restores: Mapping[str, Any]) -> list[str]:
        taken = {self.instance, self.like} & set(restores)
        found = [
            f"{PREFIX}restores.{name}: is the name of an instance that exists; a restore is always a new one"
            for name in sorted(map(str, taken))
        ]
        for name, restore in restores.items():
            found += [f"{PREFIX}restores.{name}.{line}" for line in self._wrong_with(restore)]
        return found

    def _wrong_with(self, restore: Restore) -> list[str]:
        asked = restore.from_
        if asked.replica and asked.replica in (self.instance, self.like):
            return [f"from.replica: {asked.replica!r} is the original itself; name one of its read replicas"]
        region = region_of(asked.snapshot or "")
        if self.region and region and region != self.region:
            return [
                f"from.snapshot: lies in {region}, and RDS restores within {self.region} only; "
                f"copy it: aws rds copy-db-snapshot --source-region {region} --region {self.region}"
            ]
        return []


class Restore(restores.Released):
    """A new DB instance under the restore's name."""

    SUPPORTED: ClassVar = ("snapshot", "time", "latest", "replica", "dump")
    size: InstanceClass | None = Field(
        None,
        description="its instance class, as db.r6g.2xlarge; the original's by default, never smaller",
    )
    parameter_group: ParameterGroup | None = Field(
        None, description="its parameter group; the original's by default"
    )
    final_snapshot: SnapshotName | None = Field(
        None, description="release: the snapshot that is taken before it goes, or `none`"
    )

    @model_validator(mode="after")
    def _as_rds_does_it(self) -> Restore:
        asked = self.from_
        if not asked.inclusive:
            raise ValueError("`inclusive: false` is not possible: RDS restores to the end of a second")
        if asked.time and "." in asked.time:
            raise ValueError(f"from.time: {asked.time} has a fraction; RDS restores to whole seconds")
        if asked.fence or asked.accept_loss:
            raise ValueError("`fence` and `accept-loss` are not possible with RDS: nobody is superuser there")
        if not asked.checksums:
            raise ValueError("from.checksums: RDS decides that")
        for name, value in (("size", self.size), ("parameter-group", self.parameter_group)):
            if asked.replica and value:
                raise ValueError(f"`{name}` has no meaning with replica: it is promoted as it is")
        return self


def region_of(snapshot: str) -> str | None:
    """The region that a snapshot's ARN names; None for a mere name."""
    return snapshot.split(":")[3] if snapshot.startswith(_ARN) and snapshot.count(":") > 5 else None


_STEPS = {
    "nano": 0.125,
    "micro": 0.25,
    "small": 0.5,
    "medium": 1.0,
    "large": 2.0,
    "xlarge": 4.0,
    "metal": 1e4,
}


def weight(instance_class: str) -> float:
    """How large a class is within its family, in the steps of its name: large 2, xlarge 4, 8xlarge 32.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html
    """
    size = instance_class.split(".")[2]
    times = size.removesuffix("xlarge")
    return 4.0 * int(times) if times.isdigit() else _STEPS.get(size, 0.0)
