"""The files of one folder of a store, with those of the folders below."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from archive.stores.store import Store, Stored


class Tree:
    """Names are relative to the folder; symbolic links are followed. Problem where it cannot be read."""

    def __init__(self, store: Store, folder: str) -> None:
        self.store, self.folder = store, folder
        found = dict(store.entries(folder))
        self.top = {name: size for name, size in found.items() if size is not None}
        """The files directly in the folder, with their sizes."""
        self.folders = found.keys() - self.top.keys()

    def __str__(self) -> str:
        return f"{self.store}/{self.folder}"

    @cached_property
    def files(self) -> Mapping[str, int]:
        """Every file of the tree with its size in bytes."""
        return dict(self._walk(""))

    def below(self, folder: str) -> Mapping[str, int]:
        """The files directly in one of its folders; none where there is no such folder."""
        if folder not in self.folders:
            return {}
        found = self.store.entries(f"{self.folder}/{folder}")
        return {name: size for name, size in found if size is not None}

    def _walk(self, folder: str) -> Iterator[tuple[str, int]]:
        for name, size in self.store.entries(f"{self.folder}/{folder}".rstrip("/")):
            inside = f"{folder}/{name}".lstrip("/")
            if size is None:
                yield from self._walk(inside)
            else:
                yield inside, size

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A file's bytes as they are stored; FileNotFoundError without it."""
        return self.store.open(self._stored(name))

    def read(self, name: str) -> bytes:
        """All of a small file; FileNotFoundError without it."""
        with self.open(name) as stream:
            return stream.read()

    def fetch(self, name: str, target: Path) -> None:
        """Write a file to this machine."""
        with self.open(name) as stream, target.open("xb") as file:
            shutil.copyfileobj(stream, file)

    def path(self, name: str) -> Path | None:
        """Where a file or folder lies on this machine; None where it lies elsewhere."""
        return self.store.path(self._stored(name))

    def _stored(self, name: str) -> Stored:
        size = self.top.get(name)
        if size is None:
            size = self.__dict__.get("files", {}).get(name, 0)
        return Stored(f"{self.folder}/{name}", size)
