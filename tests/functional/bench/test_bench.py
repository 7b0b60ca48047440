"""``make bench`` runs unattended; its figures of small data mean nothing and are not looked at."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import COMPARISONS

ROOT = Path(__file__).parents[3]
RESTORES = [name for name in COMPARISONS if name != "command_line"]


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_comparison_that_there_is_not_is_refused() -> None:
    ran = bench("--quick", "of-nothing")
    assert ran.returncode == 2
    assert "there is no of-nothing" in ran.stderr


@pytest.mark.slow
def test_every_comparison_of_restores_runs_to_its_end() -> None:
    ran = bench("--quick", *RESTORES)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()[1:]
    assert len(lines) == len(RESTORES) + 1, "a restore to a time has two lines"
    assert all(re.search(r"\d m?s\b|skipped", line) for line in lines)
    assert "0 failed, 0 lost, 0 doubled" in ran.stdout
