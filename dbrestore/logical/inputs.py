"""How a dump is loaded, as resources are declared with it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from dbrestore.handler import Inputs
from dbrestore.logical.options import Options


class LoadInputs(Inputs):
    """In the terms of pg_restore; see ``Options``."""

    jobs: Annotated[int, Field(ge=1, le=64)] = 2
    role: str = ""
    no_owner: bool = False
    schemas: list[str] = Field(default_factory=list)
    tables: list[str] = Field(default_factory=list)
    roles: dict[str, str] = Field(default_factory=dict)
    """The dump's roles, and those that take their place."""
    create_roles: bool = False
    accept: list[str] = Field(default_factory=list)

    @property
    def options(self) -> Options:
        """For the loader."""
        return Options(
            jobs=self.jobs,
            role=self.role,
            no_owner=self.no_owner,
            schemas=tuple(self.schemas),
            tables=tuple(self.tables),
            roles=self.roles,
            create_roles=self.create_roles,
            accept=tuple(self.accept),
        )


class DumpInputs(LoadInputs):
    """A dump and how it is loaded."""

    place: str
    """A path of this machine, or a URL in an object store."""
    storage: dict[str, Any] = Field(default_factory=dict)
    """Of the object store, as fsspec takes it; credentials come from the environment."""

    @property
    def identity(self) -> str:
        """The same for what comes to the same rows."""
        return f"{self.place} {sorted(self.schemas)} {sorted(self.tables)}"
