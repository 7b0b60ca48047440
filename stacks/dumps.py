"""How a dump is restored: what may stand beside ``from.dump``, in the terms of pg_restore."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from stacks.values import Identifier, Location, Strict, Text, kebab

Some = Field(min_length=1)
Table = Annotated[str, StringConstraints(pattern=r"^[^.]+(\.[^.]+)?$", max_length=127)]


class FromDump(Strict):
    """The refinements of a dump; each is for a dump alone."""

    dump: Location | None = Field(
        None, description="a dump of pg_dump, plain or archive: its path or its URL in an object store"
    )
    jobs: Annotated[int, Field(ge=1, le=64)] = Field(2, description="dump: connections that load it")
    role: Identifier | None = Field(None, description="dump: the role that creates everything, as --role")
    no_owner: bool = Field(False, description="dump: true gives everything to the role that creates it")
    schemas: Annotated[list[Identifier], Some] | None = Field(None, description="dump: these schemas only")
    tables: Annotated[list[Table], Some] | None = Field(
        None, description="dump: these tables only, table or schema.table, with all that hangs on them"
    )
    roles: dict[Identifier, Identifier] | Literal["create"] | None = Field(
        None,
        description="dump: `create` makes missing roles without login; {old: new} puts others in their place",
    )
    accept: Annotated[list[Text], Some] | None = Field(
        None, description="dump: owners, grants and comments by name that it may fail to restore"
    )
    locale: Text | None = Field(None, description="dump: of the database, instead of the dump's own")
    checksums: bool = Field(True, description="dump: false makes a cluster without data checksums")

    @property
    def refinements(self) -> list[str]:
        """The names, as the YAML spells them, of those that are given."""
        return sorted({kebab(name) for name in self.model_fields_set} & set(REFINEMENTS))

    @property
    def dump_options(self) -> dict[str, Any]:
        """For the plugin."""
        return {
            "jobs": self.jobs,
            "role": self.role or "",
            "noOwner": self.no_owner,
            "schemas": self.schemas or [],
            "tables": self.tables or [],
            "roles": self.roles if isinstance(self.roles, dict) else {},
            "createRoles": self.roles == "create",
            "accept": self.accept or [],
            "locale": self.locale or "",
            "checksums": self.checksums,
        }


REFINEMENTS = tuple(kebab(name) for name in FromDump.model_fields if name != "dump")
