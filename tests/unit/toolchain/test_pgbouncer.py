"""Where pgbouncer is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from problem import Problem
from toolchain import pgbouncer
from toolchain.pgbouncer import find_pgbouncer, pgbouncer_version

Program = Callable[[Path, str], Path]


@pytest.fixture(autouse=True)
def nowhere_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pgbouncer, "_PLACES", (str(tmp_path / "sbin"),))


def test_path_goes_before_sbin(bare_machine: Path, tmp_path: Path, program: Program) -> None:
    program(tmp_path / "sbin/pgbouncer", "")
    assert find_pgbouncer() == tmp_path / "sbin/pgbouncer"
    program(bare_machine / "pgbouncer", "")
    assert find_pgbouncer() == bare_machine / "pgbouncer"


def test_one_can_be_chosen(
    bare_machine: Path, tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(bare_machine / "pgbouncer", "")
    monkeypatch.setenv("REFORGE_PGBOUNCER", str(program(tmp_path / "mine", "")))
    assert find_pgbouncer() == tmp_path / "mine"


def test_a_chosen_one_that_is_not_there_is_named(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFORGE_PGBOUNCER", "/nowhere/pgbouncer")
    with pytest.raises(Problem, match="/nowhere/pgbouncer"):
        find_pgbouncer()


def test_without_it_the_problem_says_what_gets_it(bare_machine: Path) -> None:
    with pytest.raises(Problem) as caught:
        find_pgbouncer()
    assert caught.value.name == "pgbouncer-missing"
    assert "make servers" in caught.value.cure


def test_its_version_is_read(tmp_path: Path, program: Program) -> None:
    assert pgbouncer_version(program(tmp_path / "a", "echo 'PgBouncer 1.18.0'")) == "1.18.0"
    assert pgbouncer_version(program(tmp_path / "b", "echo 'something else'")) == "unknown"
