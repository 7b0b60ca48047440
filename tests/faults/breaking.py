"""Ways to break files, each mended on leaving with sizes and times as they were."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path


@contextmanager
def absent(*paths: Path) -> Iterator[None]:
    """Files or folders that are somewhere else."""
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(_aside(path))
        yield


@contextmanager
def _aside(path: Path) -> Iterator[None]:
    elsewhere = path.parent.parent / f"{path.name}.elsewhere"
    times = path.parent.stat()
    path.rename(elsewhere)
    try:
        yield
    finally:
        if path.is_dir():  # somebody made it anew
            shutil.rmtree(path)
        elsewhere.rename(path)
        os.utime(path.parent, ns=(times.st_atime_ns, times.st_mtime_ns))


@contextmanager
def rewritten(path: Path, change: Callable[[bytes], bytes]) -> Iterator[None]:
    """A file with another content, under the same owner and mode."""
    content, known = path.read_bytes(), path.stat()
    try:
        path.write_bytes(change(content))
        yield
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns))


@contextmanager
def extra(path: Path, content: str | bytes) -> Iterator[None]:
    """A file that does not belong there."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    shutil.chown(path, path.parent.owner(), path.parent.group())
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def flipped(path: Path) -> Iterator[None]:
    """One bit wrong, size and time the same."""

    def flip(content: bytes) -> bytes:
        middle = len(content) // 2
        return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]

    known = path.stat()
    with rewritten(path, flip):
        os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns))
        yield


@contextmanager
def small_filesystem(folder: Path, mebibytes: int) -> Iterator[None]:
    """A file system of its own in the place of a folder."""
    known = folder.stat()
    _mount(
        "-t", "tmpfs", "-o", f"size={mebibytes}m,uid={known.st_uid},gid={known.st_gid}", "tmpfs", str(folder)
    )
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(path: Path) -> None:
    """A file that takes all that its file system has left."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1024**2)):
            pass


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder that nobody can write to, whoever they are."""
    _mount("--bind", str(folder), str(folder))
    try:
        _mount("-o", "remount,ro,bind", str(folder))
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)


def cannot_mount() -> str:
    """Why this machine cannot have file systems of its own; empty where it can."""
    if os.geteuid() != 0:
        return "mounting needs root"
    probe = Path("/tmp") / f"reforge-mount-{os.getpid()}"  # noqa: S108 - made and removed here
    probe.mkdir()
    try:
        with small_filesystem(probe, 1):
            return ""
    except subprocess.CalledProcessError:
        return "this machine lets nobody mount"
    finally:
        probe.rmdir()
