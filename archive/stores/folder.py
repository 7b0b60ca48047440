"""A WAL archive or base backups in a folder that this machine sees."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from archive.stores.store import Fault, Store, Stored, unreadable


class FolderStore(Store):
    """A folder of segments; Barman's ``wals`` with its folders too."""

    near = True

    def __init__(self, folder: Path, fault: Fault = unreadable) -> None:
        self.folder, self._fault = folder, fault

    def __str__(self) -> str:
        return str(self.folder)

    def entries(self, folder: str) -> Iterator[tuple[str, int | None]]:
        try:
            with os.scandir(self.folder / folder) as found:
                for entry in found:
                    with suppress(FileNotFoundError):  # a link to nothing, or gone since it was listed
                        if entry.is_dir():
                            yield entry.name, None
                        elif entry.is_file():  # a pipe would have its reader wait for ever
                            yield entry.name, entry.stat().st_size
        except OSError as error:
            raise self._fault(
                self.folder, error, f"Check the path and its permissions: ls -ld {self.folder}"
            ) from error

    @contextmanager
    def open(self, stored: Stored) -> Iterator[BinaryIO]:
        path = self.path(stored)
        try:
            file = path.open("rb")
        except PermissionError as error:
            raise self._fault(path, error, f"Check its permissions: ls -l {path}") from error
        with file:
            yield file

    def path(self, stored: Stored) -> Path:
        return self.folder / stored.key
