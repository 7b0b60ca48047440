"""The base backup copied into the new data directory: in parallel, by reflink where the file system can."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dbrestore.handler import Context
from dbrestore.progress import Meter
from problem import Problem
from toolchain.accounts import Account

FICLONE = 0x40049409
"""ioctl of linux/fs.h: share the blocks of another file."""
EMPTIED = {
    "pg_replslot",
    "pg_dynshmem",
    "pg_notify",
    "pg_serial",
    "pg_snapshots",
    "pg_stat_tmp",
    "pg_subtrans",
}
"""Folders whose contents are the original's alone (its replication slots above all): kept, but empty."""
LEFT_OUT = {"postmaster.pid", "postmaster.opts", "standby.signal", "recovery.signal", "backup_manifest"}
WORKERS = 4
COPYING = "copying base backup"


def copy_backup(backup: Path, directory: Path, owner: Account | None, context: Context) -> int:
    """Copy every file of ``backup`` into ``directory``, made durable; gives the bytes copied.

    Problem ``interrupted`` when the operator stops it, ``no-space`` when the file system is full.
    """
    files = list(_files(backup))
    meter = Meter(COPYING, sum(size for _path, size in files), context.progress)
    for folder in _folders(backup):
        _own(_made(directory / folder), owner)

    def copy(entry: tuple[Path, int]) -> None:
        if context.cancelled.is_set():
            raise Problem(
                "interrupted", "Interrupted while copying the base backup.", "Run the same command again."
            )
        path, size = entry
        _copy_file(backup / path, directory / path)
        _own(directory / path, owner)
        meter.add(size)

    _in_parallel(copy, files, directory)
    subprocess.run(["sync", "-f", str(directory)], check=True)
    meter.done()
    return meter.total


def _in_parallel(
    copy: Callable[[tuple[Path, int]], None], files: list[tuple[Path, int]], directory: Path
) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            # Largest first, so that no worker is left alone with a big file at the end.
            for _ in pool.map(copy, sorted(files, key=lambda entry: -entry[1])):
                pass
        except OSError as error:
            pool.shutdown(cancel_futures=True)
            free = shutil.disk_usage(directory).free
            what = f"Copying to {directory} failed: {error.strerror} ({free // 2**20} MiB free)."
            raise Problem(
                "copy-failed", what, "Make room or choose another folder, then run it again."
            ) from error
        except Problem:
            pool.shutdown(cancel_futures=True)
            raise


def _files(backup: Path) -> Iterator[tuple[Path, int]]:
    for folder, folders, names in os.walk(backup):
        here = Path(folder)
        folders[:] = [name for name in folders if name != "pgsql_tmp"]
        if here != backup and here.relative_to(backup).parts[0] in EMPTIED:
            continue
        for name in names:
            if here != backup or name not in LEFT_OUT:
                path = here / name
                yield path.relative_to(backup), path.stat().st_size


def _folders(backup: Path) -> Iterator[Path]:
    for folder, folders, _names in os.walk(backup):
        here = Path(folder).relative_to(backup)
        if here.parts and here.parts[0] in EMPTIED:
            folders.clear()
        yield from (here / name for name in folders if name != "pgsql_tmp")


def _copy_file(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        os.fchmod(writer.fileno(), 0o600)
        try:
            fcntl.ioctl(writer.fileno(), FICLONE, reader.fileno())
            return
        except OSError:
            pass  # another file system, or one without shared blocks
    shutil.copyfile(source, target)


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _own(path: Path, owner: Account | None) -> None:
    if owner:
        os.chown(path, owner.uid, owner.gid)
