"""A dump in an object store: looked at where it lies, then brought here as a whole."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from archive.compression import decompressed
from archive.remote import mapped, open_filesystem, opened
from dbrestore.handler import Context
from dbrestore.logical.entries import Header
from dbrestore.logical.plain import header_of
from dbrestore.logical.programs import interrupted
from dbrestore.logical.reading import Dump, kind_of
from dbrestore.logical.toc import read_toc
from dbrestore.progress import Meter
from problem import Problem

FETCHING = "fetching the dump"
_BLOCK, _PIECE = 1 << 20, 1 << 23
_HEAD = 4096


class Store:
    """The files of one dump by its URL; ``options`` as ``archive.remote`` takes them."""

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        self._url = url
        self._files, self._path = open_filesystem(url, options)
        with mapped(url):
            self._folder = bool(self._files.isdir(self._path))
            if not self._folder and not self._files.exists(self._path):
                raise Problem(
                    "dump-missing", f"There is no dump at {url}.", "Check the URL, then run it again."
                )
            found = self._files.find(self._path, detail=True)
        self._sizes = {name: int(facts["size"]) for name, facts in found.items()}

    def peek(self) -> Dump:
        """What its first bytes tell; of plain SQL and tar that is the version at most."""
        size = sum(self._sizes.values())
        with self._open(f"{self._path}/toc.dat" if self._folder else self._path) as file:
            head = file.read(512)
            kind = "directory" if self._folder else kind_of(head, self._url)
        with self._open(f"{self._path}/toc.dat" if self._folder else self._path) as file:
            if kind in ("custom", "directory"):
                _kind, header, entries = read_toc(file, self._url)
                return Dump(Path(self._url), kind, header, entries, url=self._url, stored=size)
            text = decompressed(file).read(_HEAD).decode(errors="replace") if kind == "plain" else ""
        header = header_of(text) if text else Header()
        return Dump(Path(self._url), kind, header, (), url=self._url, stored=size)

    @property
    def files(self) -> dict[str, int]:
        """Its files by their names, with their bytes."""
        return {posixpath.basename(name): size for name, size in self._sizes.items()}

    def pieces(self, start: int, length: int) -> Iterator[bytes]:
        """So many bytes of a dump that is one file."""
        for begin in range(start, start + length, _PIECE):
            with mapped(self._url):
                end = min(begin + _PIECE, start + length)
                piece: bytes = self._files.cat_file(self._path, start=begin, end=end)
            yield piece

    def fetch(self, into: Path, context: Context, only: Collection[str] | None = None) -> Path:
        """Copy it into a folder of ours, or of its files those that ``only`` names.

        Problem ``interrupted`` when the operator stops it.
        """
        try:
            return self._fetch(into, context, only)
        except OSError as error:
            what = f"{self._url} cannot be written to {into}: {error.strerror}."
            raise Problem(
                "fetch-failed", what, "Make room there, then run the same command again."
            ) from error

    def _fetch(self, into: Path, context: Context, only: Collection[str] | None) -> Path:
        into.mkdir(mode=0o700)
        names = [name for name in self._sizes if only is None or posixpath.basename(name) in only]
        meter = Meter(FETCHING, sum(self._sizes[name] for name in names), context.progress)
        for name in names:
            target = into / posixpath.basename(name)
            with self._open(name) as file, target.open("wb") as copy:
                while block := file.read(_BLOCK):
                    if context.cancelled.is_set():
                        raise interrupted()
                    copy.write(block)
                    meter.add(len(block))
        meter.done()
        return into if self._folder else into / posixpath.basename(self._path)

    @contextmanager
    def _open(self, path: str) -> Iterator[BinaryIO]:
        try:
            with opened(self._files, path, self._url) as file:
                yield file
        except FileNotFoundError:
            what = f"{self._url} lacks {posixpath.basename(path)}, so it is no dump."
            raise Problem(
                "dump-unknown", what, "Give what pg_dump wrote: plain SQL, -Fc, -Fd or -Ft."
            ) from None
