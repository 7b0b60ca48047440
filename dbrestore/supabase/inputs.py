"""What a project of Supabase is declared with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from dbrestore.handler import Inputs
from dbrestore.logical.inputs import DumpInputs

Ref = Annotated[str, StringConstraints(pattern=r"^[a-z]{20}$")]
SIZES = (
    "nano", "micro", "small", "medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge",
    "16xlarge", "24xlarge", "48xlarge",
)  # fmt: skip
"""Compute sizes, the smallest first."""


class ProjectInputs(Inputs):
    """One new project filled from a dump, or one that somebody made and that is adopted."""

    name: str
    source: Ref
    """The original, only ever read."""
    like: Ref | None = None
    """Whose settings it takes instead, once the original is gone."""
    user: str
    """The application's role."""
    password: str
    """The application's, a secret."""
    dump: DumpInputs | None = None
    adopt: Ref | None = None
    """Instead of a dump: a clone that was made in the dashboard. It is never deleted."""
    region: str | None = None
    """The original's by default."""
    size: str | None = None
    """The original's by default, never smaller."""
    operators: list[str]
    access: Literal["operators", "application"] = "operators"
    """Whom it lets in: the operators alone, or also everybody whom the original lets in."""
    serving: bool = False
    """A serving project is never deleted."""

    @property
    def model(self) -> str:
        """The project whose settings are taken, only ever read as well."""
        return self.like or self.source
