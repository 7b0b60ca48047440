"""What the config says about a cluster of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from stacks import restores
from stacks.messages import nearest
from stacks.sources import Source as AnySource
from stacks.values import Folder, Network, Port

HOLD_DATA = ("dbrestore:postgres:Instance",)
LOOPBACK = ["127.0.0.1/32", "::1/128"]


class Source(AnySource):
    """Where the base backups and the WAL archive lie, and where restored instances go."""

    provider: Literal["local"]
    backups: Folder = Field(description="folder of base backups, each a folder with a backup_manifest")
    archive: Folder = Field(description="folder of archived WAL segments")
    directory: Folder = Field(description="folder in which each restored instance gets a data directory")
    data_directory: Folder | None = Field(None, description="the original's PGDATA, only ever read")
    listen: str = Field("127.0.0.1", description="address that restored instances listen on")
    clients: list[Network] = Field(
        LOOPBACK, description="the application's networks, once a restore is validated"
    )
    run_as: str | None = Field(
        None, description="account of restored servers; the archive's owner by default"
    )

    def conflicts(self, restores: Mapping[str, Any]) -> list[str]:
        """Folders that would put a restored instance into the original's own."""
        wrong = [
            f"source.directory: {self.directory} lies in source.{name} ({place}); "
            "restored instances need a folder apart"
            for name, place in self._of_the_original().items()
            if self.directory == place or place in self.directory.parents
        ]
        for name, restore in restores.items():
            kind = restore.from_.kind
            if kind not in Restore.SUPPORTED:
                hint = nearest(kind, Restore.SUPPORTED)
                allowed = ", ".join(Restore.SUPPORTED)
                wrong.append(
                    f"restores.{name}.from: local does not restore from a {kind} yet{hint} "
                    f"(allowed: {allowed})"
                )
        return wrong

    def _of_the_original(self) -> dict[str, Path]:
        places = {"data-directory": self.data_directory, "backups": self.backups, "archive": self.archive}
        return {name: place for name, place in places.items() if place}


class Restore(restores.Restore):
    """A restored instance on this machine."""

    SUPPORTED: ClassVar = ("snapshot", "time", "lsn", "xid", "name", "latest")
    port: Port | None = Field(None, description="a free port is chosen when none is given")
