"""``make bench``: what the command line costs, beside what it is compared to."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from bench.paired import paired
from bench.stages import Stages, make_project

PYTHON = sys.executable
REFORGE = str(Path(PYTHON).parent / "reforge")


def main() -> None:
    """Print one row for each comparison: ours, theirs, the ratio, the difference; medians."""
    print(f"{'':<44} {'ours':>10} {'theirs':>10}   {'ratio':>7}   {'difference':>9}")
    with tempfile.TemporaryDirectory(prefix="reforge-bench-") as folder:
        project = make_project(Path(folder))
        click = [PYTHON, "-c", "import click"]
        for words in (["--help"], ["-C", str(project), "status"]):
            pair = paired(partial(_run, [REFORGE, *words]), partial(_run, click), runs=15)
            print(pair.line(f"reforge {words[-1]} / import click"), flush=True)
        stages = Stages(project)
        print(paired(stages.ours, stages.bare, runs=7).line("a stage / bare pulumi up"), flush=True)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
