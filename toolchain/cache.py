"""The user's cache of Reforge: outside the repository, shared by its clones, safe to delete."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Progress = Callable[[str], None]
"""Takes one line for people."""
NOTICE_SECONDS = 15.0
"""How often a long wait says that it is still going on."""


def cache_folder() -> Path:
    """REFORGE_CACHE, else where the platform keeps caches (~/.cache/reforge on Linux)."""
    chosen = os.environ.get("REFORGE_CACHE")
    if chosen:
        return Path(chosen)
    import platformdirs  # only those who need the folder pay for the import

    return Path(platformdirs.user_cache_dir("reforge", appauthor=False))


@contextmanager
def only_one(work: str, folder: Path, progress: Progress) -> Iterator[None]:
    """Hold ``folder``'s lock; while another process holds it, say now and then who is waited for.

    The lock is the kernel's: it is gone with its process, however that ends.
    """
    import filelock

    folder.mkdir(parents=True, exist_ok=True)
    lock, owner = filelock.FileLock(folder / ".lock"), folder / ".lock.owner"
    patience = 0.0  # the first notice comes at once
    while True:
        try:
            lock.acquire(timeout=patience, poll_interval=0.1)
            break
        except filelock.Timeout:
            progress(f"waiting for {_read_owner(owner)}")
            patience = NOTICE_SECONDS
    try:
        owner.write_text(f"process {os.getpid()}, which is {work} since {time.strftime('%H:%M:%S')}")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def _read_owner(path: Path) -> str:
    try:
        return path.read_text() or "another process"
    except FileNotFoundError:
        return "another process"
