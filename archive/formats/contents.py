"""What every form of a base backup can do: tell its facts, give a small file, and give all files once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from archive.cache import Cache
from archive.formats.tree import Tree

MANIFEST = "backup_manifest"
WAL = "pg_wal"
TABLESPACES = "pg_tblspc"


class Readable(Protocol):
    """A stream that is read forwards."""

    def read(self, size: int = ..., /) -> bytes:
        """Up to ``size`` bytes, none at the end; ``Garbled`` where it is damaged."""


@dataclass(frozen=True)
class File:
    """A file that is being read: its name relative to PGDATA, its size in bytes, its content.

    ``path``: where just this content lies on this machine, so that blocks can be shared.
    """

    name: str
    size: int
    stream: Readable
    path: Path | None = None


class Part(ABC):
    """Something of a backup that is read from its beginning to its end; parts can be read in parallel."""

    name: str
    size: int
    """Bytes to be read where the part lies."""

    @abstractmethod
    def files(self) -> Iterator[File]:
        """Its files, each to be read before the next one; ``Garbled`` where it is no whole part."""


class Contents(ABC):
    """A base backup's files, named relative to PGDATA; a tablespace's as ``pg_tblspc/OID/...``.

    Whatever lies on this machine is opened when it is asked for, and never written to.
    """

    form: str
    """"plain" or "tar", with what compresses it: "tar, gz"."""

    basics: tuple[str, ...] = ("backup_label",)
    """Small files that are quickly read, and that everything else rests on."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._cache = Cache()

    @abstractmethod
    def read(self, name: str) -> bytes:
        """A small file; FileNotFoundError without it. Quick for the manifest and the label alone."""

    @abstractmethod
    def version(self) -> int:
        """The major version of PostgreSQL that made it."""

    @abstractmethod
    def system_identifier(self) -> int | None:
        """Of the cluster; None where most of the backup would have to be read for it."""

    @abstractmethod
    def tablespaces(self) -> Mapping[int, str]:
        """The OIDs of its tablespaces, and where each lay as far as the backup tells, else nothing."""

    @abstractmethod
    def sizes(self) -> Mapping[str, int] | None:
        """All files but those of pg_wal and their sizes; None where most of it would have to be read."""

    @abstractmethod
    def parts(self) -> list[Part]:
        """All that has to be read, WAL of its own included."""

    @abstractmethod
    def wal(self) -> Mapping[str, int]:
        """The WAL segments in its own pg_wal by their names, and their sizes."""

    @abstractmethod
    def wal_file(self, name: str) -> Path:
        """One of them as a file on this machine; it stays as long as the contents do."""


def is_safe(name: str) -> bool:
    """Whether a name leads to a place below the folder that it is relative to."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\0" not in name
