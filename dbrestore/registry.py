"""Which handlers there are: one module a kind, found by looking at the rooms."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path

from dbrestore.handler import Handler


def handlers() -> dict[str, Handler]:
    """Every handler by its token. A room is a package with a module ``handlers`` that has ``HANDLERS``."""
    rooms = [room.name for room in pkgutil.iter_modules([str(Path(__file__).parent)]) if room.ispkg]
    found = [kind() for room in rooms for kind in import_module(f"dbrestore.{room}.handlers").HANDLERS]
    return {handler.token: handler for handler in found}
