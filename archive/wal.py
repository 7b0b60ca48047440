"""A WAL archive: what it held when it was listed, and its files, plain or compressed, near or far."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from archive.cache import Cache
from archive.compression import SUFFIXES, Garbled, decompressed, is_compressed, reading
from archive.segments import Segment, cut_short, page_flaw
from archive.stores.folder import FolderStore
from archive.stores.store import Store, Stored
from problem import Problem

_FILE = re.compile(
    r"(?P<name>[0-9A-F]{24}(\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history)"
    r"(-[0-9a-f]{40})?"  # pgBackRest adds the checksum of what is inside
    rf"(?P<suffix>{'|'.join(map(re.escape, SUFFIXES))})?"
)
_CHUNK = 128 * 1024


@dataclass(frozen=True)
class Archive:
    """Segments, timeline histories and backup histories by the names that PostgreSQL gives them."""

    store: Store
    files: Mapping[str, Stored]
    data_directory: Path | None = None
    """The source's data directory, if readable here: tells whether a missing segment still lies there."""
    verdicts: dict[tuple[str, int | None], str | None] = field(
        default_factory=dict, repr=False, compare=False
    )
    """What was found of segments' first pages, so that many backups' chains read each but once."""
    cache: Cache = field(default_factory=Cache, repr=False, compare=False)

    @classmethod
    def scan(cls, place: Path | Store, data_directory: Path | None = None) -> Archive:
        """List an archive once; Problem if it cannot be read."""
        store = place if isinstance(place, Store) else FolderStore(place)
        files: dict[str, Stored] = {}
        for stored in store.files():
            match = _FILE.fullmatch(stored.key.rpartition("/")[2])
            # A segment that is just being compressed lies there twice; the plain one is whole.
            if match and (match["suffix"] is None or match["name"] not in files):
                files[match["name"]] = stored
        return cls(store, files, data_directory)

    def before(self, segment: str) -> Archive:
        """The same listing as it was when that one was the next: no segment from its number on, of whatever
        timeline, and no history of a later timeline.
        """
        kept = {name: one for name, one in self.files.items() if _is_before(name, segment)}
        return replace(self, files=kept)

    @property
    def place(self) -> str:
        """Where it lies, for people."""
        return str(self.store)

    @property
    def histories(self) -> frozenset[int]:
        """Timelines that have a history file."""
        return frozenset(int(name[:8], 16) for name in self.files if name.endswith(".history"))

    @property
    def folder(self) -> Path | None:
        """The folder in which everything lies plain, where PostgreSQL itself can take it; None else."""
        flat = self.direct and not any("/" in stored.key for stored in self.files.values())
        return self.store.path(Stored("", 0)) if flat else None

    @property
    def direct(self) -> bool:
        """Whether every segment can be read where it lies."""
        return self.store.near and not any(_suffix(stored) for stored in self.files.values())

    def __contains__(self, segment: Segment) -> bool:
        return segment.name in self.files

    def segments(self, size: int) -> Iterator[Segment]:
        """Every archived segment, whole or not, in no order."""
        for name in self.files:
            try:
                yield Segment.parse(name, size)
            except ValueError:
                continue

    def where(self, segment: Segment) -> str:
        """The file that holds a segment, for people."""
        return f"{self.place}/{self.files[segment.name].key}"

    def flaw(self, segment: Segment, system_identifier: int | None, look: bool = True) -> str | None:
        """Why an archived segment cannot be used, in words that follow its name; None if it looks whole.

        A near one is looked into, a far one, which has to be fetched for it, only if ``look`` is set or its
        size is odd: a plain one has its segment's size.
        """
        stored = self.files[segment.name]
        odd = not stored.size or (_suffix(stored) == "" and stored.size != segment.size)
        if not (look or odd or self.store.near):
            return None
        key = segment.name, system_identifier
        if key not in self.verdicts:
            self.verdicts[key] = self._looked_into(segment, system_identifier)
        return self.verdicts[key]

    def _looked_into(self, segment: Segment, system_identifier: int | None) -> str | None:
        stored = self.files[segment.name]
        try:
            if self.store.near:
                with self.store.open(stored) as stream, reading():
                    if stored.size != segment.size and not is_compressed(stream):
                        return cut_short(stored.size, segment.size)
                    return page_flaw(decompressed(stream), segment, system_identifier)
            with self._cached(segment).open("rb") as file:
                return page_flaw(file, segment, system_identifier)
        except Garbled as error:
            return str(error)
        except FileNotFoundError:
            return "is missing"

    def local(self, segment: Segment) -> Path:
        """A plain file of the segment on this machine, to be read at once; fetched and unpacked where needed.

        Problem ``wal-missing`` or ``wal-damaged`` where that fails. ``cache`` holds what was fetched.
        """
        stored = self.files[segment.name]
        path = self.store.path(stored)
        if path and stored.size == segment.size and _suffix(stored) == "":
            return path
        with self._named(segment.name):
            return self._cached(segment)

    def fetch(self, name: str, target: Path, size: int | None = None) -> None:
        """Write a file of the archive to ``target``, unpacked; a segment has to have ``size`` bytes then.

        KeyError where the listing has no such file; Problems as those of ``local``.
        """
        with self._named(name), target.open("xb") as file:
            self._copy(self.files[name], file, size)

    def text(self, name: str) -> str | None:
        """A history file's text; None where the archive has none of that name. Problems as of ``local``."""
        if name not in self.files:
            return None
        with self._named(name), self.store.open(self.files[name]) as stream, reading():
            return decompressed(stream).read().decode("utf-8", "replace")

    def _cached(self, segment: Segment) -> Path:
        def bring(path: Path) -> None:
            with path.open("xb") as file:
                self._copy(self.files[segment.name], file, segment.size)

        return self.cache.get(segment.name, bring)

    def _copy(self, stored: Stored, file: BinaryIO, size: int | None) -> None:
        """Unpack a stored file; Garbled where it is not whole."""
        with self.store.open(stored) as stream, reading():
            shutil.copyfileobj(decompressed(stream), file, _CHUNK)
        if size is not None and file.tell() != size:
            raise Garbled(cut_short(file.tell(), size))

    @contextmanager
    def _named(self, name: str) -> Iterator[None]:
        """What goes wrong with a file, as Problems that name it."""
        where = f"{self.place}/{self.files[name].key}"
        try:
            yield
        except Garbled as error:
            raise Problem("wal-damaged", f"The archived file {where} {error}", _CURE) from error
        except FileNotFoundError as error:
            raise Problem(
                "wal-missing", f"The archived file {where} is gone since it was listed", _CURE
            ) from error


_CURE = "Bring back a whole copy of it, or restore to a point before it (reforge sources shows the windows)"


def _suffix(stored: Stored) -> str:
    """What says that a file is compressed; tools that keep the segment's name do not say it."""
    match = _FILE.fullmatch(stored.key.rpartition("/")[2])
    return (match and match["suffix"]) or ""


def _is_before(name: str, segment: str) -> bool:
    if len(name) == 24:
        return name[8:] < segment[8:]
    return not name.endswith(".history") or name[:8] <= segment[:8]
