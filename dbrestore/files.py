"""Files of other programs, replaced whole: a reader sees the old content or the new, never a part.

Mode and owner stay, a symlink stays and the file it names is replaced, and after a crash the disk
holds one of the two contents.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from problem import Problem


@dataclass(frozen=True)
class Replacement:
    """New content that lies ready beside its file, on disk; ``commit`` is one rename."""

    path: Path
    """The file itself, symlinks resolved."""
    ready: Path

    def commit(self) -> None:
        """Put the new content in place; ``settle`` makes that durable."""
        try:
            os.replace(self.ready, self.path)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def settle(self) -> None:
        """Make the rename survive a crash of the machine."""
        handle = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def discard(self) -> None:
        """Forget the new content. Already committed is fine."""
        self.ready.unlink(missing_ok=True)


def prepare(path: Path, content: bytes, mode: int = 0o600) -> Replacement:
    """Write ``content`` beside ``path``, synced, with the mode and owner of the file that is there.

    ``mode`` is for a file that does not exist yet. Problem "file-not-writable" when the folder cannot
    be written or the owner cannot be kept.
    """
    path = Path(os.path.realpath(path))
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    replacement = Replacement(path, Path(name))
    try:
        with open(handle, "wb") as file:
            _keep_mode_and_owner(path, file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        replacement.discard()
        raise _unwritable(path, error) from error
    return replacement


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace the whole content of ``path`` at once and durably; see ``prepare``."""
    replacement = prepare(path, content, mode)
    try:
        replacement.commit()
        replacement.settle()
    finally:
        replacement.discard()


def read(path: Path) -> bytes:
    """The content of a file; Problem "file-not-readable" where there is none."""
    try:
        return path.read_bytes()
    except OSError as error:
        what = f"{path} cannot be read: {error.strerror}."
        raise Problem("file-not-readable", what, f"Type: ls -l {path}") from error


@contextmanager
def exclusive(paths: Iterable[Path], timeout: float = 30.0) -> Iterator[None]:
    """Keep other edits of Reforge away from the folders of ``paths``; the kernel frees a killed holder's.

    Folders are locked, not files: a replaced file is another inode, and no lock file is left behind.
    Problem "file-busy" after ``timeout`` seconds.
    """
    held: list[int] = []
    try:
        for folder in sorted({Path(os.path.realpath(path)).parent for path in paths}):
            held.append(_lock(folder, time.monotonic() + timeout))
        yield
    finally:
        for handle in reversed(held):
            os.close(handle)


def _lock(folder: Path, deadline: float) -> int:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise Problem("file-not-readable", f"{folder} cannot be opened: {error.strerror}.") from error
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        if time.monotonic() > deadline:
            os.close(handle)
            cure = "Wait for the other run of Reforge to end, then run the same command again."
            raise Problem("file-busy", f"Files in {folder} are being edited by another run.", cure)
        time.sleep(0.02)


def _keep_mode_and_owner(path: Path, handle: int, mode: int) -> None:
    try:
        there = path.stat()
    except FileNotFoundError:
        os.fchmod(handle, mode)
        return
    ours = os.fstat(handle)
    if (ours.st_uid, ours.st_gid) != (there.st_uid, there.st_gid):
        os.fchown(handle, there.st_uid, there.st_gid)
    os.fchmod(handle, there.st_mode & 0o7777)


def _unwritable(path: Path, error: OSError) -> Problem:
    what = f"{path} cannot be replaced keeping its mode and owner: {error.strerror}."
    return Problem("file-not-writable", what, f"Type: ls -ld {path.parent} {path}")
