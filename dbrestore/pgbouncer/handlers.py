"""The kinds of resource in this room."""

from __future__ import annotations

from dbrestore.pgbouncer.route import Route

HANDLERS = (Route,)
