"""How a dump is loaded, in the terms of pg_restore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Options:
    """What the config says under ``from: {dump: ...}``."""

    jobs: int = 2
    """Connections that load at the same time."""
    role: str = ""
    """The role that everything is created as, and that so owns it where ``no_owner`` is given."""
    no_owner: bool = False
    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    """Only these, "schema.table" or "table", with what hangs on them."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """The dump's roles and the target's that take their place."""
    create_roles: bool = False
    """Whether missing roles are made, without a right to log in."""
    accept: tuple[str, ...] = ()
    """Labels of lossy objects that the restore may be without."""
