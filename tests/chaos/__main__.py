"""``make chaos N=50 SEED=...``: incidents that are killed at a random moment each and have to come through.

    python -m tests.chaos --runs 50 --seed 7

One line a run; exits with 1 where any run missed anything.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time

from tests.chaos.run import Result, play
from tests.chaos.site import chaos_site


def main() -> int:
    """Play the runs; 0 where all of them came through whole."""
    asked = _asked()
    print(f"seed {asked.seed}: {asked.runs} incidents, each killed once", flush=True)
    begun, results = time.monotonic(), list[Result]()
    with chaos_site() as site:
        for number in range(1, asked.runs + 1):
            results.append(play(site, asked.seed, number))
            print(results[-1].line, flush=True)
    print(_summary(results, time.monotonic() - begun))
    return 0 if len(results) == asked.runs and all(result.whole for result in results) else 1


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    return parser.parse_args()


def _summary(results: list[Result], seconds: float) -> str:
    completed = sum(not result.failure for result in results)
    unchanged = all(result.original_unchanged for result in results)
    lost, writes = sum(len(result.lost) for result in results), sum(result.writes for result in results)
    parts = [
        f"{completed} of {len(results)} completed in {seconds:.0f} s",
        f"the original's fingerprint {'unchanged' if unchanged else 'CHANGED'}",
        f"{lost} of {writes} ledger entries lost",
        f"{sum(bool(result.left) for result in results)} with leftovers",
    ]
    return "; ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
