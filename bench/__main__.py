"""``make bench``: every comparison in one run, side by side; ``--quick`` for a smoke test of a small size."""

from __future__ import annotations

import argparse
from importlib import import_module

from bench.site import FULL, QUICK, site

COMPARISONS = (
    "command_line",
    "physical_copy",
    "local_pitr",
    "pgbackrest_replay",
    "logical_restore",
    "fingerprinting",
    "cutover_stall",
)


def main() -> None:
    """Print a line for each comparison as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small data and one run: figures mean nothing")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(COMPARISONS)}; all by default"
    )
    given = parser.parse_args()
    if unknown := set(given.names) - set(COMPARISONS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    size = QUICK if given.quick else FULL
    print(f"{'':<44} {'ours':>10} {'theirs':>10}   {'ratio':>7}   {'difference':>9}", flush=True)
    with site(size) as made:
        for name in given.names or COMPARISONS:
            for line in import_module(f"bench.{name}").run(made, size.runs):
                print(line, flush=True)


if __name__ == "__main__":
    main()
