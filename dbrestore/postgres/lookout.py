"""The WAL of a recovery, read a little ahead of replay for what must not be replayed.

``reforge_unread`` in the data directory holds an empty file for every segment that was not read yet. The
restore_command waits for it to go, so PostgreSQL never comes to what nobody has looked at.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from archive.proof import Proof
from archive.segments import Segment
from dbrestore.postgres import tablespaces
from dbrestore.postgres.settings import UNREAD
from problem import Problem
from toolchain.accounts import Account


def post(directory: Path, proof: Proof, owner: Account | None) -> None:
    """Have PostgreSQL wait for each segment that the proof needs, before its first start."""
    folder = directory / UNREAD
    folder.mkdir(mode=0o700)  # never one that lies there, or a link: root will remove files in it
    for segment in proof.needed:
        (folder / segment.name).touch()
    if owner:
        os.chown(folder, owner.uid, owner.gid)


def remove(directory: Path) -> None:
    """Nothing of it stays in a finished instance."""
    shutil.rmtree(directory / UNREAD, ignore_errors=True)


class Lookout:
    """Reads while it is entered, from the first segment that is waited for: a killed run has read some."""

    def __init__(self, directory: Path, proof: Proof) -> None:
        self._folder, self._proof = directory / UNREAD, proof
        self._over, self._pool = Event(), ThreadPoolExecutor(1, "read-wal")

    def __enter__(self) -> Self:
        self._reading = self._pool.submit(self._read)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._pool.shutdown()

    def check(self) -> None:
        """Problem as of ``tablespaces.refuse_new``, ``wal-damaged``, or ``wal-changed``, once it is known.

        PostgreSQL waits before it then; it is for the caller to stop it.
        """
        if self._reading.done():
            self._reading.result()

    def _read(self) -> None:
        waiting = set(os.listdir(self._folder)) if self._folder.exists() else set[str]()
        ahead = [segment for segment in self._proof.needed if segment.name in waiting]
        if unknown := waiting.difference(segment.name for segment in ahead):
            what = f"WAL segment {min(unknown)} led to the target when this restore began, and does not now."
            raise Problem("wal-changed", what, "Run the same command again; it begins anew.")
        if ahead:
            span, binaries = (ahead[0].start_lsn, self._proof.stop_lsn), self._proof.binaries
            tablespaces.refuse_new(self._proof.chain, span, binaries, self._over.is_set, self._pass)
        if not self._over.is_set():
            self._pass(ahead)  # a last one that only holds where recovery stops

    def _pass(self, segments: Iterable[Segment]) -> None:
        for segment in segments:
            (self._folder / segment.name).unlink(missing_ok=True)
