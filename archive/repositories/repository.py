"""Base backups and the archive of their WAL, wherever a source keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from archive.backups import Backups
from archive.wal import Archive

_NOT_TOOLS = {"__init__", "repository", "folders"}


@dataclass(frozen=True)
class Repository:
    """What can be restored from, as it was when it was listed."""

    backups: Backups
    archive: Archive


class Declared(Protocol):
    """A declared source: two folders, or under a tool's name what that tool's module takes."""

    @property
    def archive(self) -> Path | str | None: ...
    @property
    def backups(self) -> Path | str | None: ...
    @property
    def storage_options(self) -> Mapping[str, Any]: ...
    @property
    def data_directory(self) -> Path | None: ...


def tools() -> list[str]:
    """The names of the tools whose repositories can be read."""
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if file.stem not in _NOT_TOOLS)


def look_into(source: Declared) -> Repository:
    """List what a source has; nothing is verified. Problem where its place cannot be read."""
    used = next((tool for tool in tools() if getattr(source, tool, None)), None)
    if used:
        place = dict(getattr(source, used))
    else:
        place = {"backups": source.backups, "archive": source.archive}
    found: Repository = import_module(f"archive.repositories.{used or 'folders'}").look(
        source.data_directory, source.storage_options, **place
    )
    return found
