"""The kinds of resource in this room."""

from __future__ import annotations

from dbrestore.cloudsql.promotion import Promotion

HANDLERS = (Promotion,)
