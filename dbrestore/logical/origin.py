"""A dump where it lies: looked at in its place, then read whole, fetched first from an object store."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from archive.scratch import scratch
from dbrestore.forecast import Forecast
from dbrestore.handler import Context
from dbrestore.logical.entries import Entry
from dbrestore.logical.fetching import FETCHING, Store
from dbrestore.logical.inputs import DumpInputs
from dbrestore.logical.opening import chosen, open_dump
from dbrestore.logical.reading import Dump
from dbrestore.logical.tabledata import LOADING
from dbrestore.space import Need


@dataclass(frozen=True)
class Origin:
    """One dump, and what of it is restored."""

    said: DumpInputs
    context: Context

    def look(self) -> tuple[Dump, Sequence[Entry]]:
        """What is known before anything is made; nothing is fetched.

        Of plain SQL and tar in an object store the entries are not: there are none then.
        """
        dump = self._store.peek() if self._store else self._open(Path(self.said.place))
        return dump, self._chosen(dump) if dump.entries else ()

    @contextmanager
    def whole(self) -> Iterator[tuple[Dump, Sequence[Entry]]]:
        """The dump on this machine, proven whole as far as that can be, and the entries to restore."""
        with self._here() as path:
            dump = self._open(path)
            yield dump, self._chosen(dump)

    def forecast(self, dump: Dump) -> Forecast:
        """Room for what is fetched, and the time."""
        fetched = dump.size if self._store else 0
        needs = (Need(Path(tempfile.gettempdir()), fetched),) if fetched else ()
        return Forecast(needs, ((FETCHING, fetched), (LOADING, dump.size)))

    @contextmanager
    def _here(self) -> Iterator[Path]:
        if self._store is None:
            yield Path(self.said.place)
            return
        with scratch("reforge-dump-") as folder:
            yield self._store.fetch(folder / "dump", self.context)

    def _open(self, path: Path) -> Dump:
        self.context.progress("reading the dump")
        return open_dump(path, self.context)

    def _chosen(self, dump: Dump) -> Sequence[Entry]:
        return chosen(dump, self.said.options, self.context)

    @cached_property
    def _store(self) -> Store | None:
        """The object store that it lies in, if it lies in one."""
        return Store(self.said.place, self.said.storage) if "://" in self.said.place else None
