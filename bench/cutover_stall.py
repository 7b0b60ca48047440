"""How long clients wait while a standby is promoted. Goal: 150 ms in the median, 250 ms at worst."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from bench.site import FULL, Site
from tests.functional.dbrestore.cluster import cluster, keys, writing

RUNS = 10


def run(site: Site, runs: int) -> Iterator[str]:
    """Cut-overs under writers; the longest that a transaction took, failed ones, rows lost or doubled."""
    found = [_one() for _ in range(RUNS if site.size is FULL else runs)]
    waits = [one["wait"] for one in found]
    bad = {name: sum(int(one[name]) for one in found) for name in ("failed", "lost", "doubled")}
    told = ", ".join(f"{count} {name}" for name, count in bad.items())
    longest = f"{statistics.median(waits) * 1000:.0f} ms in the median, {max(waits) * 1000:.0f} ms at worst"
    yield f"cut-over with promotion, {len(found)} runs: longest wait {longest}; {told}"


def _one() -> dict[str, float]:
    with cluster({"fsync": "on"}) as made:
        with writing(made.pooler) as writers:
            made.cut_over()
        there = keys(made.standby)
        return {
            "wait": writers.longest,
            "failed": len(writers.failures),
            "lost": len({key for key, _ in writers.acknowledged} - set(there)),
            "doubled": len(there) - len(set(there)),
        }
