"""WAL segments that had to be fetched or unpacked to be read: kept for a while in a folder of our own."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

_PREFIX = "reforge-segments-"
MOST = 64
"""So many segments are kept; of 16 MiB each they take 1 GiB at most."""


_YOUNG = 60
"""Seconds in which a folder is taken for one that is just being made."""


class Cache:
    """A folder that is made with the first file and goes with the cache, or with the process at the latest.

    What a killed process left is removed by the next cache that is made: nobody holds its lock any more.
    """

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
                _sweep()
                self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
                held = _hold(self._folder)
                weakref.finalize(self, _remove, self._folder, held)
            return self._folder


def _hold(folder: Path) -> int | None:
    """A lock on the folder that lasts as long as this process; None where another process has it."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _sweep() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            found = folder.stat()
            ours = found.st_uid == os.geteuid() and time.time() - found.st_mtime > _YOUNG
            held = _hold(folder) if ours else None
        except OSError:
            continue
        if held is not None:
            _remove(folder, held)


def _remove(folder: Path, held: int | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if held is not None:
        os.close(held)
