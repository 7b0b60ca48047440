"""The WAL archive of a pgBackRest repository."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO

from archive.pgbackrest.program import PgBackRest
from archive.stores.store import Store, Stored


class PgBackRestStore(Store):
    """The WAL of one database of a stanza: ``identity`` is its version and number, such as 15-1."""

    def __init__(self, program: PgBackRest, identity: str) -> None:
        self._program, self._folder = program, f"archive/{program.stanza}/{identity}"

    def __str__(self) -> str:
        return f"{self._folder} of {self._program.config}"

    def files(self) -> Iterator[Stored]:
        yield from (Stored(name, size) for name, size in self._program.files(self._folder).items())

    def entries(self, folder: str) -> Iterator[tuple[str, int | None]]:
        found = self._program.files(f"{self._folder}/{folder}".rstrip("/"))
        yield from ((name, size) for name, size in found.items() if "/" not in name)
        yield from ((name, None) for name in sorted({name.split("/")[0] for name in found if "/" in name}))

    def open(self, stored: Stored) -> AbstractContextManager[BinaryIO]:
        return self._program.open(f"{self._folder}/{stored.key}")
