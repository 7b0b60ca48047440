"""Where find looks, and whom it tells of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from archive.backups import Backups
from archive.repositories.repository import Declared, look_into
from archive.wal import Archive
from toolchain.accounts import Account, account, server_account


class Source(Declared, Protocol):
    """The parts of ``reforge:source`` that are looked at."""

    @property
    def directory(self) -> Path: ...
    @property
    def database(self) -> str: ...
    @property
    def run_as(self) -> str | None: ...


@dataclass(frozen=True)
class Scene:
    """Backups and WAL of a source, and its database. Throw-away restores go into ``beside``, as ``owner``."""

    backups: Backups
    archive: Archive
    database: str
    beside: Path
    owner: Account | None
    tell: Callable[[str], None] = lambda _line: None
    """Takes a line of progress."""


def scene_of(source: Source, tell: Callable[[str], None]) -> Scene:
    """The scene of a source as the config has it. Problem where backups or archive cannot be listed."""
    found = look_into(source)
    return Scene(
        backups=found.backups,
        archive=found.archive,
        database=source.database,
        beside=source.directory,
        owner=_owner(source),
        tell=tell,
    )


def _owner(source: Source) -> Account | None:
    """Who runs throw-away restores: whoever runs restores."""
    if os.geteuid() != 0:
        return None
    if source.run_as:
        return account(source.run_as)
    owner = source.archive.owner() if isinstance(source.archive, Path) else "root"
    return account(owner) if owner != "root" else server_account()
