"""What the config says about a database in Supabase."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from stacks import restores
from stacks.messages import PREFIX
from stacks.sources import KnownProvider
from stacks.sources import Source as AnySource

PROJECT = "dbrestore:supabase:Project"
HOLD_DATA = (PROJECT,)

Ref = Annotated[str, StringConstraints(pattern=r"^[a-z]{20}$")]
Connection = Literal["session", "transaction", "direct"]
Size = Literal[
    "nano", "micro", "small", "medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge",
    "16xlarge", "24xlarge", "48xlarge",
]  # fmt: skip


class Source(AnySource):
    """The original by its ref; the access token comes from the environment."""

    provider: Annotated[Literal["supabase"], KnownProvider]
    instance: Ref = Field(description="the original's ref, 20 letters")
    like: Ref | None = Field(
        None,
        description="the ref of another project, once the original is gone: a restore gets its organization, "
        "region, size and networks",
    )
    database: Literal["postgres"] = Field("postgres", description="every project's is postgres")
    connection: Connection | None = Field(
        None,
        description="how the application reaches a restore: by the pooler's session or transaction mode, or "
        "directly; as it reaches the original by default",
    )

    def place_of(self, restore: str) -> tuple[str, str]:
        return PROJECT, restore

    def complaints(self, restores: Mapping[str, Any]) -> list[str]:
        which = {self.instance: "the original itself", self.like: "the one that restores are like"}
        return [
            f"{PREFIX}restores.{name}.from.adopt: {ref} is {which[ref]}; name a clone"
            for name, one in restores.items()
            if (ref := one.from_.adopt) and ref in which
        ]


class Restore(restores.Released):
    """A new project, or a clone that was made in the dashboard."""

    SUPPORTED: ClassVar = ("dump", "adopt")
    size: Size | None = Field(None, description="its compute size; the original's by default, never smaller")
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}-[a-z]+-\d$")] | None = Field(
        None, description="the original's by default"
    )

    @model_validator(mode="after")
    def _as_supabase_does_it(self) -> Restore:
        if self.from_.adopt and not re.fullmatch(r"[a-z]{20}", self.from_.adopt):
            raise ValueError("from.adopt: is not a project's ref, 20 lower-case letters")
        if self.from_.adopt and (self.size or self.region):
            raise ValueError("`size` and `region` have no meaning with adopt: it is taken as it is")
        if self.kept_as:
            raise ValueError("final-snapshot: a project's backups go with it; only `none` is possible")
        if self.from_.locale:
            raise ValueError("from.locale: a project's database has its own")
        return self

    @classmethod
    def conflicts(cls, restores: Mapping[str, Any]) -> list[str]:
        by_ref: dict[str, list[str]] = {}
        for name, restore in restores.items():
            if restore.from_.adopt:
                by_ref.setdefault(restore.from_.adopt, []).append(name)
        return [
            f"{' and '.join(names)} cannot both adopt {ref}"
            for ref, names in by_ref.items()
            if len(names) > 1
        ]
