"""A fingerprint of all rows. Goal: 1.5 s a GB."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from bench.paired import timed
from bench.site import Site
from validation.fingerprint import fingerprint

_GB = 1024**3


def run(site: Site, runs: int) -> Iterator[str]:
    """Of the source as the load left it."""
    site.fill()
    with site.server() as server:
        fingerprint(server.url())
        seconds = statistics.median(timed(lambda: fingerprint(server.url())) for _ in range(runs))
    size = site.bytes / _GB
    yield f"fingerprint: {seconds:.2f} s for {size:.2f} GB, {seconds / size:.2f} s a GB"
