"""A folder of base backups and one of WAL, on this machine or in an object store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archive.backups import list_backups
from archive.repositories.repository import Repository
from archive.stores.opening import store_at
from archive.wal import Archive


def look(
    data_directory: Path | None, options: Mapping[str, Any], *, backups: Path | str, archive: Path | str
) -> Repository:
    """``options`` reach the object store of the URLs."""
    listing = list_backups(backups, options)
    return Repository(listing, Archive.scan(store_at(archive, options), data_directory))
