"""What every place that holds a WAL archive or base backups can do."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from problem import Problem

_NESTED = re.compile(r"[0-9A-F]{16}")
"""A folder that keeps the segments of one timeline and log, as Barman and pgBackRest make them."""


@dataclass(frozen=True)
class Stored:
    """A file as it lies in its place: ``key`` finds it there, ``size`` is what it takes up, in bytes."""

    key: str
    size: int


class Store(ABC):
    """A folder of a file system or of an object store, read only. ``str()`` names it for people."""

    near = False
    """Whether a look into a file costs next to nothing, as on this machine's own file systems."""

    @abstractmethod
    def entries(self, folder: str) -> Iterator[tuple[str, int | None]]:
        """Name and size of everything directly in a folder of the store; the size of a folder is None.

        Problem ``archive-unreadable`` where it cannot be listed.
        """

    @abstractmethod
    def open(self, stored: Stored) -> AbstractContextManager[BinaryIO]:
        """The bytes as they are stored, as a stream that can seek or peek.

        FileNotFoundError where there is no such file (any more). Problem ``archive-unreadable`` for whatever
        else keeps it from being read, while it is read too.
        """

    def files(self) -> Iterator[Stored]:
        """Every file in the store's folder and in those below that are named like part of a segment."""
        for name, size in self.entries(""):
            if size is not None:
                yield Stored(name, size)
            elif _NESTED.fullmatch(name):
                inside = self.entries(name)
                yield from (Stored(f"{name}/{one}", there) for one, there in inside if there is not None)

    def path(self, stored: Stored) -> Path | None:
        """Where the file lies on this machine; None where it lies elsewhere."""
        return None


Fault = Callable[[object, Exception, str], Problem]
"""What makes the error of a place that cannot be read: the place, why, and what to do."""


def unreadable(place: object, error: Exception, cure: str) -> Problem:
    """The error of an archive that cannot be read, whatever kind of place it is in."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or repr(error)
    return Problem("archive-unreadable", f"The WAL archive {place} cannot be read: {words}", cure)
