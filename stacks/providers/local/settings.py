"""What the config says about a cluster of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from stacks import restores
from stacks.messages import PREFIX, nearest
from stacks.sources import KnownProvider
from stacks.sources import Source as AnySource
from stacks.values import DatabaseUrl, Folder, Location, Network, Port, RestoreName, Strict, Text

HOLD_DATA = ("dbrestore:postgres:Instance", "dbrestore:replica:Promotion")
LOOPBACK = ["127.0.0.1/32", "::1/128"]


class Storage(Strict):
    """What an object store needs besides its URL; credentials come from the environment."""

    endpoint_url: Annotated[str, StringConstraints(pattern=r"^https?://[^@]+$")] | None = Field(
        None, description="of a store that is not the provider's own, as MinIO"
    )
    anon: bool = Field(False, description="true reads a public bucket without credentials")


class Replica(Strict):
    """A standby of the original."""

    url: DatabaseUrl = Field(description="as a role that may promote it and read its settings")


class PgBackRest(Strict):
    """A stanza of a pgBackRest repository, read by pgbackrest itself."""

    stanza: Text
    config: Folder = Field(description="pgbackrest's configuration file")
    repo: int = Field(1, ge=1, description="number of the repository in it")


class Barman(Strict):
    """A server that Barman backs up, read from its folders."""

    home: Folder = Field(description="barman_home")
    server: Text


class WalG(Strict):
    """What WAL-G keeps; base backups are unpacked by wal-g itself, configured by its own environment."""

    prefix: Location = Field(description="its WALG_..._PREFIX, a folder or a URL")


PLACES = ("pgbackrest", "barman", "wal-g")
"""What says where backups and WAL are instead of ``backups`` and ``archive``."""
_ONE_PLACE: list[Any] = [{"required": ["backups", "archive"]}, *({"required": [tool]} for tool in PLACES)]


class Source(AnySource):
    """Where the base backups and the WAL archive lie, and where restored instances go."""

    model_config = ConfigDict(json_schema_extra={"oneOf": _ONE_PLACE})

    provider: Annotated[Literal["local"], KnownProvider]
    backups: Location | None = Field(
        None, description="folder of base backups, each a folder of its own; or its URL in an object store"
    )
    archive: Location | None = Field(
        None, description="folder of archived WAL segments, or its URL in an object store"
    )
    pgbackrest: PgBackRest | None = Field(None, description="instead of backups and archive")
    barman: Barman | None = Field(None, description="instead of backups and archive")
    wal_g: WalG | None = Field(None, description="instead of backups and archive")
    storage: Storage | None = Field(None, description="how the object store of the URLs is reached")
    directory: Folder = Field(description="folder in which each restored instance gets a data directory")
    data_directory: Folder | None = Field(None, description="the original's PGDATA, only ever read")
    replicas: dict[RestoreName, Replica] = Field(
        {}, description="standbys by name", json_schema_extra={"additionalProperties": False}
    )
    admin_url: DatabaseUrl | None = Field(
        None, description="the original as a superuser: for `fence`, and to see its standbys"
    )
    tablespaces: dict[str, Folder] = Field(
        {},
        description="where the original has tablespaces (or a folder above): where restores have theirs",
    )
    listen: Text = Field("127.0.0.1", description="address that restored instances listen on")
    clients: list[Network] = Field(
        LOOPBACK, description="the application's networks, once a restore is validated"
    )
    run_as: Text | None = Field(
        None, description="account of restored servers; the archive's owner by default"
    )

    @property
    def storage_options(self) -> dict[str, Any]:
        """``storage`` as ``archive.remote`` takes it."""
        return self.storage.model_dump(exclude_none=True) if self.storage else {}

    @property
    def standbys(self) -> list[str]:
        return list(self.replicas)

    def place_of(self, restore: str) -> tuple[str, str]:
        return HOLD_DATA[0], str(self.directory / restore)

    def complaints(self, restores: Mapping[str, Any]) -> list[str]:
        promoted = {name: one.from_ for name, one in restores.items() if one.from_.replica}
        found = []
        for name, wanted in promoted.items():
            if wanted.replica not in self.replicas:
                known = ", ".join(self.replicas) or "none"
                hint = nearest(wanted.replica, self.replicas)
                found.append(
                    f"{PREFIX}restores.{name}.from.replica: {wanted.replica!r} is not in `source.replicas`"
                    f"{hint} (declared: {known})"
                )
            if wanted.fence and self.admin_url is None:
                found.append(f"{PREFIX}restores.{name}.from.fence: needs `source.admin-url`, a superuser's")
        return found

    @model_validator(mode="after")
    def _one_place(self) -> Source:
        given = [tool for tool in PLACES if getattr(self, tool.replace("-", "_"))]
        both = [name for name in ("backups", "archive") if getattr(self, name)]
        if len(given) > 1 or (given and both):
            raise ValueError(f"has both {' and '.join(given + both)}; one says where the backups are")
        if not given and len(both) < 2:
            missing = " and ".join(name for name in ("backups", "archive") if name not in both)
            raise ValueError(f"lacks {missing}, or one of {', '.join(PLACES)} instead of both")
        return self

    @model_validator(mode="after")
    def _apart(self) -> Source:
        """A restored instance must never lie in the original's own folders, nor they among the restores."""
        for rule, folder in self.tablespaces.items():
            if _overlap(Path(rule), folder):
                raise ValueError(f"tablespaces: {folder} overlaps {rule}; restored ones need a folder apart")
        places = {
            "data-directory": self.data_directory,
            "backups": self.backups,
            "archive": self.archive,
            "barman": self.barman and self.barman.home,
            "wal-g": self.wal_g and self.wal_g.prefix,
        }
        wrong = [
            f"{name} ({place})"
            for name, place in places.items()
            if isinstance(place, Path) and _overlap(self.directory, place)
        ]
        if wrong:
            raise ValueError(
                f"directory ({self.directory}) overlaps {', '.join(wrong)}; "
                "restored instances need a folder apart"
            )
        return self


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


class Restore(restores.Restore):
    """A restored instance on this machine."""

    SUPPORTED: ClassVar = ("snapshot", "time", "lsn", "xid", "name", "latest", "replica", "dump")
    port: Port | None = Field(None, description="a free port is chosen when none is given")

    @model_validator(mode="after")
    def _its_own_port(self) -> Restore:
        if self.port and self.from_.replica:
            raise ValueError("`port` has no meaning with replica: a standby listens where it does")
        return self

    @classmethod
    def conflicts(cls, restores: Mapping[str, Any]) -> list[str]:
        by_port: dict[int, list[str]] = {}
        for name, restore in restores.items():
            if restore.port:
                by_port.setdefault(restore.port, []).append(name)
        return [
            f"{' and '.join(names)} cannot all listen on port {port}"
            for port, names in by_port.items()
            if len(names) > 1
        ]
