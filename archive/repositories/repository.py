"""Base backups and the archive of their WAL, wherever a source keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from archive.backups import Backups
from archive.wal import Archive


@dataclass(frozen=True)
class Repository:
    """What can be restored from, as it was when it was listed."""

    backups: Backups
    archive: Archive


class Declared(Protocol):
    """The parts of a declared source that tell where its backups are."""

    @property
    def repository(self) -> tuple[str, Mapping[str, Any]]:
        """The kind, a module of ``archive.repositories``, and what its ``look`` takes by name."""

    @property
    def data_directory(self) -> Path | None: ...


def look_into(source: Declared) -> Repository:
    """List what a source has; nothing is verified. Problem where its place cannot be read."""
    kind, place = source.repository
    found: Repository = import_module(f"archive.repositories.{kind}").look(source.data_directory, **place)
    return found
