"""Which handlers there are: a room a package, found by looking, imported when a resource of it is met."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from pathlib import Path

from dbrestore.handler import Handler


class Handlers(Mapping[str, Handler]):
    """Handlers by their token, ``dbrestore:<room>:<Kind>``.

    A room is a package with a module ``handlers`` that has ``HANDLERS``. It is imported on first use: the
    engine waits for the plugin at every preview, and what PostgreSQL needs, a flag in a file does not.
    """

    def __init__(self) -> None:
        self._found: dict[str, Handler] = {}

    def __getitem__(self, token: str) -> Handler:
        if token not in self._found:
            room = token.split(":")[1] if token.count(":") == 2 else ""
            if room in self._rooms:
                self._import(room)
        return self._found[token]

    def __iter__(self) -> Iterator[str]:
        for room in self._rooms:
            self._import(room)
        return iter(self._found)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @cached_property
    def _rooms(self) -> list[str]:
        here = Path(__file__).parent
        found = [room.name for room in pkgutil.iter_modules([str(here)]) if room.ispkg]
        return [name for name in found if (here / name / "handlers.py").exists()]

    def _import(self, room: str) -> None:
        for kind in import_module(f"dbrestore.{room}.handlers").HANDLERS:
            if kind.resource_type not in self._found:
                self._found[kind.resource_type] = kind()
