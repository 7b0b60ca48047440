"""A restore by our own handler, as the engine calls it, with the seconds of its phases."""

from __future__ import annotations

import time
from typing import Any

from bench.site import DATABASE, Site
from dbrestore.handler import Context
from dbrestore.postgres.instance import Instance

_URN = "urn:pulumi:bench::reforge::dbrestore:postgres:Instance::bench"


def restore(site: Site, kind: str, value: str, **more: Any) -> dict[str, float]:
    """Restore and remove again; ``total``, and ``replay`` from the end of the copy to the end of the work."""
    said: list[tuple[float, str]] = []
    context = Context(_URN, lambda text: said.append((time.perf_counter(), text)))
    source = {
        "database": DATABASE,
        "user": "postgres",
        "archive": site.archive,
        "backups": site.place / "base",
    }
    declared = {
        "name": "bench",
        "directory": site.folder("restores") / "bench",
        "source": source,
        "until": {"kind": kind, "value": value},
        "operators": ["127.0.0.1/32"],
        **more,
    }
    inputs = Instance.inputs.model_validate(declared)
    begun = time.perf_counter()
    identity, state = Instance().create(context, inputs)
    ended = time.perf_counter()
    Instance().delete(Context(_URN), identity, state)
    copied = next((at for at, text in said if text.startswith("copied")), begun)
    return {"total": ended - begun, "replay": ended - copied}
