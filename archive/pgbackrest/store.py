"""A folder of a pgBackRest repository."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO

from archive.pgbackrest.program import PgBackRest
from archive.stores.store import Store, Stored


class PgBackRestStore(Store):
    """``folder`` is relative to the repository, such as ``archive/main/15-1``."""

    def __init__(self, program: PgBackRest, folder: str) -> None:
        self._program, self._folder = program, folder

    def __str__(self) -> str:
        return f"{self._program.config}:{self._folder}"

    def entries(self, folder: str) -> Iterator[tuple[str, int | None]]:
        found = self._program.entries(f"{self._folder}/{folder}".rstrip("/"))
        yield from ((name, size) for name, size in found if name != ".")

    def files(self) -> Iterator[Stored]:
        found = self._program.entries(self._folder, recurse=True)
        yield from (Stored(name, size) for name, size in found if size is not None)

    def open(self, stored: Stored) -> AbstractContextManager[BinaryIO]:
        return self._program.open(f"{self._folder}/{stored.key}")
