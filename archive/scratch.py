"""Folders of our own among the temporary ones; what a killed run left goes when the next one makes one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_YOUNG = 60
"""Seconds in which a folder is taken for one that is just being made."""


@dataclass(frozen=True)
class Scratch:
    """A folder and the lock on it, which lasts as long as this process."""

    folder: Path
    lock: int | None

    @classmethod
    def make(cls, prefix: str) -> Scratch:
        """A new one, with a name that begins with ``prefix``, which is of one use alone."""
        _sweep(prefix)
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        return cls(folder, locked(folder))

    def remove(self) -> None:
        """The folder with what is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.lock is not None:
            os.close(self.lock)


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """Such a folder for a while; ``prefix`` as of ``Scratch.make``."""
    made = Scratch.make(prefix)
    try:
        yield made.folder
    finally:
        made.remove()


@cache
def _sweep(prefix: str) -> None:
    """Once in a process: nobody holds the lock of a killed one's any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        try:
            found = folder.stat()
            ours = found.st_uid == os.geteuid() and time.time() - found.st_mtime > _YOUNG
            lock = locked(folder) if ours else None
        except OSError:
            continue
        if lock is not None:
            Scratch(folder, lock).remove()


def locked(path: Path, flags: int = os.O_RDONLY) -> int | None:
    """Our lock on a file or folder, an open handle; None where another process has it. OSError as of open."""
    handle = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle
