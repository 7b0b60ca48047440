"""The kinds of resource in this room."""

from __future__ import annotations

from dbrestore.kubernetes.scale import Scale

HANDLERS = (Scale,)
