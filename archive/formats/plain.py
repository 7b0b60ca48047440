"""The plain form: a folder as PostgreSQL would run in, tablespaces behind the links of pg_tblspc."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from archive.compression import Garbled
from archive.formats.contents import TABLESPACES, WAL, Contents, File, Part
from archive.formats.tree import Tree


class Plain(Contents):
    """A folder that is a data directory, here or in an object store."""

    form = "plain"
    basics = ("backup_label", "PG_VERSION")

    def read(self, name: str) -> bytes:
        return self.tree.read(name)

    def version(self) -> int:
        return int(self.read("PG_VERSION").split(b".")[0])

    def system_identifier(self) -> int:
        # The first field of ControlFileData in every version of PostgreSQL.
        return int.from_bytes(self.read("global/pg_control")[:8], "little")

    def tablespaces(self) -> Mapping[int, str]:
        folder = self.tree.path(TABLESPACES)
        if folder is None:
            found = (name.split("/") for name in self.tree.files if name.startswith(f"{TABLESPACES}/"))
            return {int(parts[1]): "" for parts in found if parts[1].isdigit()}
        if not folder.is_dir():
            return {}
        return {
            int(entry.name): _location(entry) for entry in sorted(folder.iterdir()) if entry.name.isdigit()
        }

    def sizes(self) -> Mapping[str, int]:
        return {name: size for name, size in self.tree.files.items() if not name.startswith(f"{WAL}/")}

    def parts(self) -> list[Part]:
        names = list(self.tree.files)
        return [_One(self.tree, name, self.tree.files[name]) for name in names]

    def wal(self) -> Mapping[str, int]:
        return self.tree.below(WAL)

    def wal_file(self, name: str) -> Path:
        near = self.tree.path(f"{WAL}/{name}")
        return near or self._cache.get(name, lambda target: self.tree.fetch(f"{WAL}/{name}", target))


class _One(Part):
    """A file that lies as it is."""

    def __init__(self, tree: Tree, name: str, size: int) -> None:
        self.tree, self.name, self.size = tree, name, size

    def files(self) -> Iterator[File]:
        try:
            with self.tree.open(self.name) as stream:
                yield File(self.name, self.size, stream, self.tree.path(self.name))
        except FileNotFoundError as error:
            raise Garbled(f"{self.name} is gone since it was listed") from error


def _location(entry: Path) -> str:
    """Where a tablespace's link leads; nothing where it lies in the backup itself."""
    if not entry.is_symlink():
        return ""
    if not entry.exists():
        raise ValueError(f"its tablespace {entry.name} lay in {os.readlink(entry)}, which is not there")
    return os.readlink(entry)
