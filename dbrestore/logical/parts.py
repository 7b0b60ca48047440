"""Of a dump in an object store only what a step needs: its contents, and the data of some tables.

Of a directory those files; of a custom archive those ranges, in a file with holes of the archive's length, so
that everything lies where the contents say. A pod then reads what it loads and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dbrestore.handler import Context
from dbrestore.logical.data import extents, files_of
from dbrestore.logical.entries import Entry
from dbrestore.logical.fetching import FETCHING, Store
from dbrestore.logical.reading import Dump, archive_of
from dbrestore.progress import Meter
from problem import Misuse, Problem

TOC = "toc.dat"


def require_divisible(place: str, form: str) -> None:
    """Misuse ``dump-not-divisible`` for a format of which only the whole can be loaded."""
    if form not in ("custom", "directory"):
        what = f"{place} is {form}, of which no part can be loaded alone."
        cure = "Have it written by pg_dump -Fd or -Fc, or take `runner` out of the config."
        raise Misuse("dump-not-divisible", what, cure)


class Parts:
    """A dump where it lies; ``dump`` has its contents."""

    def __init__(self, store: Store) -> None:
        self._store, self.dump = store, store.peek()
        self._files = store.files
        require_divisible(self.dump.place, self.dump.format)

    @property
    def sizes(self) -> dict[int, int]:
        """Bytes of each entry's data, by the entry's number; empty where an archive does not say."""
        if self.dump.format == "custom":
            return extents(self._offsets, self.dump.stored)
        found = {one.number: self._file(one) for one in self.dump.entries if one.place}
        return {number: self._files[name] for number, name in found.items() if name}

    def require_whole(self) -> None:
        """Problem ``dump-truncated`` where the store lacks data that the contents name.

        Of an archive that does not say where its data lies, that shows when a table is loaded.
        """
        sizes = self.sizes
        if self.dump.format == "custom" and not sizes:
            return
        wanted = [one for one in self.dump.entries if one.kind == "TABLE DATA" and one.place]
        lacking = [one.label for one in wanted if sizes.get(one.number, -1) < 0]
        if lacking:
            what = f"The dump {self.dump.place} is not whole: it lacks {', '.join(lacking[:5])}."
            raise Problem("dump-truncated", what, "Copy it again, or take another dump.")

    def fetch(self, entries: Sequence[Entry], into: Path, context: Context) -> Dump:
        """The contents and the data of ``entries``, as a dump on this machine."""
        if self.dump.format == "directory":
            names = {TOC, *filter(None, map(self._file, entries)), *self._rest(entries)}
            return archive_of(self._store.fetch(into, context, names), "directory")
        if not self._offsets:  # pg_dump wrote into a pipe, so where the data lies is not known
            return archive_of(self._store.fetch(into, context), "custom")
        return archive_of(self._holed(entries, into, context), "custom")

    def _rest(self, entries: Sequence[Entry]) -> set[str]:
        """The large objects' own files, where large objects are asked for."""
        wanted = any(one.kind == "BLOBS" for one in entries)
        return {name for name in self._files if wanted and name.startswith(("blob_", "blobs"))}

    def _holed(self, entries: Sequence[Entry], into: Path, context: Context) -> Path:
        sizes, offsets = self.sizes, self._offsets
        ranges = [(0, min(offsets.values()))]
        ranges += sorted((offsets[n], sizes[n]) for one in entries if (n := one.number) in offsets)
        meter = Meter(FETCHING, sum(length for _start, length in ranges), context.progress)
        into.mkdir(mode=0o700)
        path = into / "archive"
        with path.open("wb") as file:
            file.truncate(self.dump.stored)
            for start, length in ranges:
                file.seek(start)
                for block in self._store.pieces(start, length):
                    file.write(block)
                    meter.add(len(block))
        meter.done()
        return path

    @property
    def _offsets(self) -> dict[int, int]:
        return {one.number: one.place for one in self.dump.entries if isinstance(one.place, int)}

    def _file(self, entry: Entry) -> str:
        return next((name for name in files_of(entry) if name in self._files), "")
