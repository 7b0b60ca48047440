"""The kinds of resource in this room."""

from __future__ import annotations

from dbrestore.envfile.entry import Entry

HANDLERS = (Entry,)
