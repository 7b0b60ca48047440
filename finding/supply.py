"""WAL laid into a standby's pg_wal up to an exact position, so that its replay stands still just there.

A standby without a primary and a restore_command polls its pg_wal for ever and ends recovery by itself never
(manual, "Setting Up a Standby Server"). What is not there yet reads as zeros, where WAL ends for now.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archive.chain import Chain
from archive.segments import Segment
from toolchain.accounts import Account

_SEGMENT = re.compile(r"[0-9A-F]{24}")
_KEPT_BEHIND = 2
"""Copied segments that stay behind the position; links cost nothing and all stay."""


class Supply:
    """The WAL of a chain in the pg_wal of one standby. ``copied`` counts bytes written there."""

    def __init__(self, chain: Chain, folder: Path, owner: Account | None) -> None:
        self.chain, self.folder, self.owner = chain, folder, owner
        self.copied = 0
        self._partial: tuple[int, int] | None = None
        """Index of the segment that is there in part, and how many of its bytes."""
        self._next = 0
        """Index of the first segment that is not there at all."""

    def begin(self) -> None:
        """Before the first start: the timeline history, by which the standby follows its switches.

        WAL that the base backup brought goes away, or the standby would run on into it; it comes back by us.
        """
        for file in self.folder.iterdir():
            if _SEGMENT.fullmatch(file.name):
                file.unlink()
        name = f"{self.chain.timeline:08X}.history"
        text = self.chain.archive.text(name)
        if text is not None:
            with self._appearing(self.folder / name) as fresh:
                fresh.write_text(text)

    def up_to(self, lsn: int) -> None:
        """Lay in everything before a position, which is at or after all earlier ones."""
        index = self.chain.index(lsn - 1)
        if self._partial and self._partial[0] < index:
            self._extend(self._partial[0], self.chain.segments[self._partial[0]].size)
        while self._next < index:
            self._whole(self._next)
            self._next += 1
        self._extend(index, lsn - self.chain.segments[index].start_lsn)
        self._next = max(self._next, index + 1)

    def _whole(self, index: int) -> None:
        segment, file = self.chain.segments[index], self.chain.file(index)
        path = self.folder / segment.name
        if self._linkable(file):
            path.symlink_to(file.resolve())
            return
        with self._appearing(path) as fresh:
            shutil.copyfile(file, fresh)
        self.copied += segment.size
        if index >= _KEPT_BEHIND:
            self._forget(self.chain.segments[index - _KEPT_BEHIND])

    def _extend(self, index: int, wanted: int) -> None:
        """Have the first ``wanted`` bytes of a segment there, in a file of its full size."""
        segment = self.chain.segments[index]
        path, there = self.folder / segment.name, 0
        if self._partial and self._partial[0] == index:
            there = self._partial[1]
        else:
            with self._appearing(path) as fresh:
                os.truncate(fresh, segment.size)
        if wanted > there:
            with self.chain.file(index).open("rb") as source, path.open("r+b") as target:
                source.seek(there)
                target.seek(there)
                target.write(source.read(wanted - there))
            self.copied += wanted - there
        self._partial = index, max(wanted, there)

    def _forget(self, segment: Segment) -> None:
        path = self.folder / segment.name
        if not path.is_symlink():
            path.unlink(missing_ok=True)

    def _linkable(self, file: Path) -> bool:
        """Whether the server can read the file where it lies, and it will stay there."""
        if not self.chain.archive.direct:
            return False
        found = file.stat()
        if self.owner is None:
            return os.access(file, os.R_OK)
        readable = found.st_uid == self.owner.uid and found.st_mode & 0o400
        return bool(
            readable or found.st_mode & 0o004 or (found.st_gid == self.owner.gid and found.st_mode & 0o040)
        )

    @contextmanager
    def _appearing(self, path: Path) -> Iterator[Path]:
        """A file to fill that gets its name, which the server polls, when it is the server's and is whole."""
        fresh = path.with_suffix(".fresh")
        fresh.touch(0o600)
        yield fresh
        if self.owner:
            os.chown(fresh, self.owner.uid, self.owner.gid)
        fresh.rename(path)
