"""The kinds of resource in this room."""

from __future__ import annotations

from dbrestore.gcp.record import Record
from dbrestore.gcp.secret import Secret

HANDLERS = (Record, Secret)
