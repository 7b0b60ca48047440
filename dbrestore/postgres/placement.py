"""Where the files of a base backup go: the new data directory, and folders of its own for tablespaces."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from archive.formats.contents import TABLESPACES
from dbrestore.postgres import mark
from toolchain.accounts import Account

EMPTIED = {
    "pg_replslot",
    "pg_dynshmem",
    "pg_notify",
    "pg_serial",
    "pg_snapshots",
    "pg_stat_tmp",
    "pg_subtrans",
}
"""Folders whose contents are the original's alone (its replication slots above all): kept, but empty."""
LEFT_OUT = {
    "postmaster.pid",
    "postmaster.opts",
    "standby.signal",
    "recovery.signal",
    "backup_manifest",
    mark.NAME,  # of an original that was restored once: ours lies there, and says what may be removed
}
_MAP = "tablespace_map"
"""With it PostgreSQL would link to the original's folders."""
_SUBFOLDERS = (
    *("global", "base", "pg_commit_ts", "pg_stat", "pg_tblspc", "pg_twophase", "pg_xact"),
    *("pg_logical/snapshots", "pg_logical/mappings", "pg_multixact/members", "pg_multixact/offsets"),
    *("pg_wal/archive_status", *EMPTIED),
)
"""What initdb makes (src/bin/initdb/initdb.c); an object store keeps no empty folders."""


@dataclass(frozen=True)
class Placement:
    """``tablespaces``: by OID, the folder that each one's link will lead to."""

    directory: Path
    owner: Account | None = None
    tablespaces: Mapping[int, Path] = field(default_factory=dict)
    whole: bool = False
    """Everything is kept as it is, for pg_combinebackup to read."""

    @classmethod
    def within(cls, directory: Path, owner: Account | None, tablespaces: Iterable[int]) -> Placement:
        """Everything inside one folder, tablespaces too: for what is thrown away soon."""
        inside = directory / "reforge-tablespaces"
        return cls(directory, owner, {oid: inside / str(oid) for oid in tablespaces})

    def prepare(self) -> None:
        """Make the folders that have to be there whatever the backup holds."""
        for name in _SUBFOLDERS:
            self._folder(self.directory / name)
        for folder in self.tablespaces.values():
            self._folder(folder)

    def of(self, name: str) -> Path | None:
        """Where a file goes, its folder made; None for one that is left out."""
        top, _, rest = name.partition("/")
        if name == _MAP or (not self.whole and (name in LEFT_OUT or top in EMPTIED or "pgsql_tmp" in rest)):
            return None
        target = self.directory / name
        oid, slash, inside = rest.partition("/")
        if top == TABLESPACES and slash:
            target = self.tablespaces[int(oid)] / inside
        self._folder(target.parent)
        return target

    def finish(self) -> None:
        """Link to the tablespaces."""
        for oid, folder in self.tablespaces.items():
            self._folder(folder / self._version_folder())
            link = self.directory / TABLESPACES / str(oid)
            link.symlink_to(folder)
            self._own(link)

    def own_all(self) -> None:
        """What another program wrote here belongs to the server's account and to nobody else."""
        for top in (self.directory, *self.tablespaces.values()):
            for folder, folders, names in os.walk(top):
                for path in (Path(folder), *(Path(folder) / name for name in names)):
                    if not path.is_symlink():  # it may lead to a file of somebody else
                        path.chmod(0o700 if path.is_dir() else 0o600)
                    self._own(path)
                for link in (Path(folder) / name for name in folders):
                    self._own(link)

    def _own(self, path: Path) -> None:
        if self.owner:
            os.chown(path, self.owner.uid, self.owner.gid, follow_symlinks=False)

    def _version_folder(self) -> str:
        """The only folder in a tablespace; an empty one may have been lost (src/common/relpath.c)."""
        control = (self.directory / "global/pg_control").read_bytes()
        major = (self.directory / "PG_VERSION").read_text().strip()
        return f"PG_{major}_{int.from_bytes(control[12:16], 'little')}"

    def _folder(self, folder: Path) -> None:
        """Make a folder and those above it."""
        if folder.is_dir():
            return
        self._folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        self._own(folder)
