"""What the command line costs, beside the engine alone and beside importing Click."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.paired import paired
from bench.site import Site
from bench.stages import Stages, make_project

PYTHON = sys.executable
REFORGE = str(Path(PYTHON).parent / "reforge")


def run(site: Site, runs: int) -> Iterator[str]:
    """``--help`` and ``status`` / ``import click``; a stage / a bare ``pulumi up``."""
    project = make_project(site.folder("project"))
    click = [PYTHON, "-c", "import click"]
    for words in (["--help"], ["-C", str(project), "status"]):
        pair = paired(partial(_run, [REFORGE, *words]), partial(_run, click), runs=3 * runs)
        yield pair.line(f"reforge {words[-1]} / import click")
    stages = Stages(project)
    yield paired(stages.ours, stages.bare, runs=runs).line("a stage / bare pulumi up")


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)
