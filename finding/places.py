"""Folders of throw-away restores: made beside the restores, held as long as we live, cleared afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from archive.scratch import locked
from dbrestore.postgres.cluster import Cluster, socket_directory
from dbrestore.postgres.configuring import make_folder
from problem import Problem
from toolchain.accounts import Account, account
from toolchain.postgres import find_binaries

PREFIX = "reforge-find-"
MARK = "reforge-find.lock"
"""Says that the folder is ours; whoever works in it holds its lock, which ends with the process."""
PORT = 5432
"""Names the private socket; nothing listens on the network."""
_YOUNG = 60
"""Seconds in which a folder without a mark is taken for one that is just being made."""


@contextlib.contextmanager
def place(beside: Path, owner: Account | None) -> Iterator[Path]:
    """A data directory to fill, in a folder of its own, gone afterwards together with its server.

    Problem ``find-no-place`` where the folder cannot be made.
    """
    made = not beside.exists()
    try:
        if made:
            beside.mkdir(mode=0o755)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=beside))
    except OSError as error:
        what = f"A throw-away restore cannot be made in {beside}: {error.strerror}."
        raise Problem("find-no-place", what, f"Check the folder: ls -ld {beside}") from error
    held = _hold(folder / MARK, create=True)
    try:
        folder.chmod(0o755)
        make_folder(folder / "data", owner)
        yield folder / "data"
    finally:
        _remove(folder)
        if held is not None:
            os.close(held)
        if made and not any(beside.iterdir()):
            beside.rmdir()


def clear(beside: Path) -> list[Path]:
    """Remove what killed runs left there: folders with our mark whose lock nobody holds."""
    cleared = []
    for folder in sorted(beside.glob(f"{PREFIX}*")):
        if folder.is_symlink() or not folder.is_dir():
            continue
        if not any(folder.iterdir()) and time.time() - folder.stat().st_mtime > _YOUNG:
            folder.rmdir()
            continue
        held = _hold(folder / MARK)
        if held is not None:
            _remove(folder)
            os.close(held)
            cleared.append(folder)
    return cleared


def cluster_in(data: Path, user: str = "") -> Cluster:
    """The server of a data directory, as its folder's owner, on a private socket alone."""
    who = account(data.owner()) if os.geteuid() == 0 else None
    version = data / "PG_VERSION"
    major = int(version.read_text()) if version.exists() else None
    return Cluster(data, find_binaries(major), who, PORT, socket_directory(data), user)


def _hold(mark: Path, create: bool = False) -> int | None:
    """Our lock on a mark; None where there is no mark, or another process holds it."""
    try:
        return locked(mark, os.O_RDWR | (os.O_CREAT if create else 0))
    except OSError:
        return None


def _remove(folder: Path) -> None:
    """Stop the server that may run there, then remove everything but the mark, and the mark last."""
    data = folder / "data"
    if data.is_dir():
        cluster_in(data).stop()
        shutil.rmtree(data)
    shutil.rmtree(folder)
