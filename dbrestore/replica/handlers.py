"""The kinds of resource in this room."""

from __future__ import annotations

from dbrestore.replica.promotion import Promotion

HANDLERS = (Promotion,)
