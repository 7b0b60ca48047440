"""What a restored PostgreSQL instance is declared with."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from archive.targets import Target
from dbrestore.handler import Inputs
from dbrestore.logical.inputs import LoadInputs


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text, strict=False))


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("must be an absolute path")
    return path


def _place(value: str | Path) -> str | Path:
    return value if isinstance(value, str) and "://" in value else _absolute(Path(value))


Network = Annotated[str, AfterValidator(_network)]
Folder = Annotated[Path, AfterValidator(_absolute)]

Location = Annotated[Path | str, BeforeValidator(_place)]
"""A folder of this machine, or the URL (text) of one in an object store."""


class Storage(Inputs):
    """What an object store needs besides its URL; credentials come from the environment."""

    endpoint_url: str | None = None
    anon: bool = False


class PgBackRest(Inputs):
    """A stanza of a pgBackRest repository."""

    stanza: str
    config: Folder
    repo: int = 1


class Barman(Inputs):
    """A server that Barman backs up; ``home`` is barman_home."""

    home: Folder
    server: str


class WalG(Inputs):
    """What WAL-G keeps; ``prefix`` is its WALG_..._PREFIX."""

    prefix: Location


class Source(Inputs):
    """Where the base backups and the WAL of the original lie; all of it is only ever read.

    Two places, or what one of the tools in ``archive.repositories`` keeps, under that one's name.
    """

    database: str
    user: str
    """A role of the original that may log in; with it the bootstrap superuser's name is found."""
    archive: Location | None = None
    backups: Location | None = None
    pgbackrest: PgBackRest | None = None
    barman: Barman | None = None
    wal_g: WalG | None = None
    storage: Storage | None = None
    data_directory: Folder | None = None
    tablespaces: dict[str, Folder] | None = None
    """Rules: where the original has tablespaces (or a folder above), and the folder where they go instead."""

    @property
    def storage_options(self) -> dict[str, Any]:
        """``storage`` as ``archive.remote`` takes it."""
        return self.storage.model_dump(exclude_none=True) if self.storage else {}


class Until(Inputs):
    """What to restore: how far to recover (PostgreSQL manual, "Recovery Target"), or which dump to load."""

    kind: Literal["snapshot", "time", "lsn", "xid", "name", "latest", "dump"]
    value: str | None = None
    inclusive: bool = True

    def target(self) -> Target:
        """The same, as the archive knows it; a dump has none."""
        if self.kind == "dump":
            raise ValueError("a dump is loaded, not recovered to")
        return Target(self.kind, self.value, self.inclusive)

    @model_validator(mode="after")
    def _speaks(self) -> Until:
        if self.kind == "dump":
            _place(self.value or "")
        else:
            self.target()
        return self


class DumpOptions(LoadInputs):
    """How a dump is loaded into a cluster of its own."""

    locale: str = ""
    """Of libc, where the dump does not say or its own is not on this machine."""
    checksums: bool = True


class InstanceInputs(Inputs):
    """One new instance, in a folder and on a port of its own."""

    name: str
    directory: Folder
    """PGDATA of the new instance; must not exist yet, or be our own half-made work."""
    source: Source
    until: Until
    dump: DumpOptions | None = None
    """With ``until`` of the kind dump alone."""
    password: str | None = None
    """Of the source's user, a secret: a dump brings no passwords, so a role is made with it."""
    operators: list[Network]
    access: Literal["operators", "application"] = "operators"
    """Who may connect: the operators alone, or the application as well."""
    serving: bool = False
    """A serving instance is never deleted."""
    listen: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1024, le=65535)] | None = None
    """A free port is taken when none is given."""
    clients: list[Network] = Field(default_factory=list)
    """The application's networks, where the base backup carries no pg_hba.conf of the original."""
    run_as: str | None = None
    """Account of the server; as root by default the owner of the WAL archive."""
