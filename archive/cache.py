"""WAL segments that had to be fetched or unpacked to be read: kept for a while in a folder of our own."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from pathlib import Path

from archive.scratch import Scratch

_PREFIX = "reforge-segments-"
MOST = 64
"""So many segments are kept; of 16 MiB each they take 1 GiB at most."""


class Cache:
    """A folder that is made with the first file and goes with the cache, at the latest with the process."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._folder: Path | None = None
        self._kept: dict[str, Path] = {}
        self._locks: dict[str, threading.Lock] = {}

    def get(self, name: str, fetch: Callable[[Path], None]) -> Path:
        """The file of that name, brought by ``fetch`` where it is not there yet."""
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._kept:
                path = self._place() / name
                try:
                    fetch(path)
                except BaseException:
                    path.unlink(missing_ok=True)
                    raise
                self._keep(name, path)
            return self._kept[name]

    def _keep(self, name: str, path: Path) -> None:
        with self._guard:
            self._kept[name] = path
            while len(self._kept) > MOST:
                self._kept.pop(next(iter(self._kept))).unlink(missing_ok=True)

    def _place(self) -> Path:
        with self._guard:
            if self._folder is None:
                scratch = Scratch.make(_PREFIX)
                self._folder = scratch.folder
                weakref.finalize(self, scratch.remove)
            return self._folder
