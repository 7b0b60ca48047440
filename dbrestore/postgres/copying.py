"""A base backup brought into its place and verified in the same pass: each byte is read once.

In parallel; where the file system can share blocks, a file is shared and the shared one is read.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from archive.backups import BaseBackup
from archive.checksums import Sum
from archive.compression import Garbled
from archive.formats.contents import File, Part
from archive.verification import Verification, damaged
from dbrestore.handler import Context
from dbrestore.postgres.placement import Placement
from dbrestore.progress import Meter
from problem import Problem

FICLONE = 0x40049409
"""ioctl of linux/fs.h: share the blocks of another file."""
WORKERS, FAR_WORKERS = 4, 16
"""Files in work at once; those of an object store wait for its answers."""
COPYING = "copying base backup"
_CHUNK = 384 * 1024
"""Bytes in a worker's hands. One of 1 MiB goes back to the system each time, and the next is touched anew."""


def copy_backup(backup: BaseBackup, placement: Placement, context: Context) -> int:
    """Copy every file of ``backup`` to its place; gives the bytes copied.

    Problem ``backup-damaged`` with the files that differ from its manifest, ``interrupted`` when the operator
    stops it, ``copy-failed`` when the file system is full. All of them leave half a copy behind.
    """
    meter = Meter(COPYING, backup.size, context.progress)
    verification = Verification(backup)
    copying = _Copying(verification, placement, context, meter)
    far = not backup.contents.tree.store.near
    with told_with_room(placement.directory):
        placement.prepare()
        copying.run(_parts(backup), FAR_WORKERS if far else WORKERS)
        placement.finish()
    meter.done()
    if verification.blind:
        context.note(f"Base backup {backup.name} has no checksums: only names and sizes were verified.")
    return meter.total


def verify_backup(backup: BaseBackup, context: Context) -> None:
    """Only read and verify it. Problems as of ``copy_backup``."""
    meter = Meter("verifying base backup", backup.size, context.progress)
    _Copying(Verification(backup), None, context, meter).run(_parts(backup), WORKERS)
    meter.done()


def interrupted() -> Problem:
    """The error of work that the operator stopped."""
    return Problem("interrupted", "Interrupted while copying the base backup.", "Run the same command again.")


def _parts(backup: BaseBackup) -> list[Part]:
    """Largest first, so that no worker is left alone with a big one at the end."""
    try:
        return sorted(backup.contents.parts(), key=lambda part: -part.size)
    except Garbled as error:
        raise damaged(backup, [str(error)]) from error


class _Copying:
    """The work on one backup; its methods run in several threads."""

    def __init__(
        self, verification: Verification, placement: Placement | None, context: Context, meter: Meter
    ) -> None:
        self._verification, self._placement = verification, placement
        self._context, self._meter = context, meter
        self._stopped = Event()

    def run(self, parts: list[Part], workers: int) -> None:
        with ThreadPoolExecutor(workers) as pool:
            try:
                for _ in pool.map(self._part, parts):
                    pass
            except BaseException:
                self._stopped.set()
                pool.shutdown(cancel_futures=True)
                raise
        self._verification.end()

    def _part(self, part: Part) -> None:
        try:
            for file in part.files():
                if self._verification.failed or self._stopped.is_set():
                    return
                if self._verification.wanted(file.name):
                    self._file(file)
        except Garbled as error:
            self._verification.broken(str(error))

    def _file(self, file: File) -> None:
        target = self._placement.of(file.name) if self._placement else None
        found = self._verification.sum_of(file.name)
        if target is None:
            count = self._through(file, found, None)
        else:
            count = self._copied(file, found, target)
        self._verification.read(file.name, count, found)

    def _copied(self, file: File, found: Sum, target: Path) -> int:
        with open(target, "w+b", buffering=0, opener=_unlinked) as writer:
            os.fchmod(writer.fileno(), 0o600)
            if file.path and _shared(file.path, writer.fileno()):
                writer.seek(0)
                count = self._through(File(file.name, file.size, writer), found, None)
            else:
                count = self._through(file, found, writer.fileno())
            if self._placement and self._placement.owner:
                os.fchown(writer.fileno(), self._placement.owner.uid, self._placement.owner.gid)
        return count

    def _through(self, file: File, found: Sum, writer: int | None) -> int:
        """Read a file once, into its checksum and its copy; gives its bytes."""
        count = 0
        while (chunk := _read(file)) and not self._stopped.is_set():
            if self._context.cancelled.is_set():
                raise interrupted()
            found.update(chunk)
            if writer is not None:
                _write(writer, chunk)
            count += len(chunk)
            self._meter.add(len(chunk))
        return count


def _unlinked(path: str, flags: int) -> int:
    """Never through a link: root would write to wherever the server's account has it lead."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _read(file: File) -> bytes:
    try:
        return file.stream.read(_CHUNK)
    except OSError as error:
        raise Garbled(f"{file.name} cannot be read: {error.strerror or error}") from error


def _write(writer: int, chunk: bytes) -> None:
    done = os.write(writer, chunk)
    while done < len(chunk):
        done += os.write(writer, memoryview(chunk)[done:])


def _shared(source: Path, writer: int) -> bool:
    """Whether the file system could share the blocks: another one cannot, and many never can."""
    with source.open("rb") as reader:
        try:
            fcntl.ioctl(writer, FICLONE, reader.fileno())
        except OSError:
            return False
    return True


@contextmanager
def told_with_room(directory: Path) -> Iterator[None]:
    """Problem ``copy-failed`` for what the system keeps us from writing, with the room that is left."""
    try:
        yield
    except OSError as error:
        free = shutil.disk_usage(directory).free
        what = f"Copying to {directory} failed: {error.strerror} ({free // 2**20} MiB free)."
        raise Problem(
            "copy-failed", what, "Make room or choose another folder, then run it again."
        ) from error
