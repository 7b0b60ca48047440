"""A WAL archive in an object store that fsspec opens: S3 and what speaks like it, GCS and others."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, BinaryIO

from fsspec import AbstractFileSystem

from archive.remote import mapped, open_filesystem, opened
from archive.stores.store import Fault, Store, Stored, unreadable

_AT_ONCE = 64 * 1024 * 1024
"""Up to this size one request brings a whole file."""


class BucketStore(Store):
    """A folder of an object store by its URL; see ``archive.remote`` for options and credentials."""

    def __init__(self, url: str, options: Mapping[str, Any] | None = None, fault: Fault = unreadable) -> None:
        self.url, self.options, self._fault = url.rstrip("/"), options, fault

    def __str__(self) -> str:
        return self.url

    def entries(self, folder: str) -> Iterator[tuple[str, int | None]]:
        files, path = self._opened
        try:
            with mapped(self.url):
                found = files.ls(f"{path}/{folder}".rstrip("/"), detail=True)
        except FileNotFoundError as error:
            # An empty folder is none in an object store: nothing was archived, or the name is wrong.
            raise self._fault(self.url, error, "Check the bucket and the folder in it") from error
        for entry in found:
            name = str(entry["name"]).rstrip("/").rpartition("/")[2]
            yield name, None if entry["type"] == "directory" else int(entry["size"])

    @contextmanager
    def open(self, stored: Stored) -> Iterator[BinaryIO]:
        files, folder = self._opened
        path, url = f"{folder}/{stored.key}", f"{self.url}/{stored.key}"
        if stored.size > _AT_ONCE:
            with opened(files, path, url) as stream:
                yield stream
            return
        with mapped(url):
            content = files.cat_file(path)
        yield io.BytesIO(content)

    @cached_property
    def _opened(self) -> tuple[AbstractFileSystem, str]:
        return open_filesystem(self.url, self.options)
