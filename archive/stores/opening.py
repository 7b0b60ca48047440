"""The store at a location of the config: a folder of this machine, or a URL."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archive.stores.folder import FolderStore
from archive.stores.store import Fault, Store, unreadable


def store_at(
    location: Path | str, options: Mapping[str, Any] | None = None, fault: Fault = unreadable
) -> Store:
    """Text is a URL; ``options`` are those of ``archive.remote``. Nothing is read yet."""
    if isinstance(location, Path):
        return FolderStore(location, fault)
    from archive.stores.bucket import BucketStore  # fsspec takes a while to import

    return BucketStore(location, options, fault)
