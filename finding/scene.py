"""Where find looks, and whom it tells of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from archive.backups import Backups
from archive.wal import Archive
from toolchain.accounts import Account


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
