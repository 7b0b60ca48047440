"""Processes are found by their mark alone, and nothing without it is ever ended."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from problem import Problem
from rehearsal.processes import Mark, end, launch, marked, postmasters, wait_ready
from tests.support.servers import wait_until

STUBBORN = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 60 & wait; done"]
HARD = [(signal.SIGTERM, 0.2), (signal.SIGKILL, 5.0)]


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_children_are_found_with_their_parent_and_end_with_it(
    tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    log = tmp_path / "log"
    process = launch(Mark(tmp_path, "load"), ["sh", "-c", "sleep 60; true"], log, None)
    wait_until(lambda: len(marked(tmp_path)) == 2)
    assert marked(tmp_path, ["etl"]) == []
    assert bystander.pid not in marked(tmp_path, ["load"])
    end(partial(marked, tmp_path), [(signal.SIGTERM, 5)])
    assert process.wait(5) == -signal.SIGTERM
    assert marked(tmp_path) == []
    assert bystander.poll() is None


def test_what_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = launch(Mark(tmp_path, "load"), STUBBORN, log, None)
    wait_ready(process, lambda: "ready" in log.read_text(), log, 10)
    end(partial(marked, tmp_path), HARD)
    assert process.wait(5) == -signal.SIGKILL
    assert marked(tmp_path) == []


def test_a_process_that_is_no_longer_meant_when_it_is_looked_at_again_is_let_go(
    bystander: subprocess.Popen[bytes],
) -> None:
    answers = iter([[bystander.pid]])
    end(lambda: next(answers, []), HARD)
    assert bystander.poll() is None


def test_a_postmaster_file_that_names_somebody_else_is_not_believed(
    tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    for number, text in enumerate((f"{bystander.pid}\n", f"{os.getpid()}\n", "", "none\n")):
        data = tmp_path / str(number)
        data.mkdir()
        (data / "postmaster.pid").write_text(text)
    assert postmasters(tmp_path) == []


def test_a_server_that_ends_while_it_starts_is_a_problem_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = launch(Mark(tmp_path, "load"), ["sh", "-c", "echo no luck; exit 3"], log, None)
    with pytest.raises(Problem, match="no luck") as raised:
        wait_ready(process, lambda: False, log, 10)
    assert raised.value.name == "rehearsal-not-up"


def test_a_server_that_is_not_ready_in_time_is_a_problem(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = launch(Mark(tmp_path, "load"), ["sleep", "60"], log, None)
    with pytest.raises(Problem, match=r"not ready within 0\.1 s"):
        wait_ready(process, lambda: False, log, 0.1)
    end(partial(marked, tmp_path), HARD)
    process.wait()


def test_the_users_own_settings_of_postgresql_do_not_reach_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "production")
    assert "PGHOST" not in Mark(tmp_path, "load").environment()
