"""A restore to a time / by hand with ``restore_command = 'cp ...'``. Goal: 1.8 times as fast."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.by_hand import copied, recovered
from bench.paired import alternated
from bench.restoring import restore
from bench.site import Site


def run(site: Site, runs: int) -> Iterator[str]:
    """Ours verifies the backup as well; by hand nothing is verified."""
    pairs = alternated(lambda: restore(site, "time", site.target), lambda: _by_hand(site), runs)
    yield pairs["total"].speed("PITR / by hand with cp")
    yield pairs["replay"].speed("  of it replay, to the first write")


def _by_hand(site: Site) -> dict[str, float]:
    begun = time.perf_counter()
    data = copied(site, "cp")
    with recovered(site, data, f"cp {site.archive}/%f %p") as replay:
        total = time.perf_counter() - begun
    return {"total": total, "replay": replay}
