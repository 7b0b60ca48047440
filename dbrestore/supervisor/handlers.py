"""The kinds of resource in this room."""

from __future__ import annotations

from dbrestore.supervisor.group import Group

HANDLERS = (Group,)
