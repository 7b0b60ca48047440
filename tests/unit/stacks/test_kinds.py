"""Kinds are found by looking at the package: one more file is one more kind."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stacks.kinds import kinds, load


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package with a module and a room, importable for one test."""
    name = "kinds_of_a_test"
    room = tmp_path / name / "aws_rds"
    room.mkdir(parents=True)
    (tmp_path / name / "__init__.py").touch()
    (tmp_path / name / "env_file.py").write_text("raise RuntimeError('imported before it was named')")
    (room / "__init__.py").touch()
    (room / "settings.py").write_text("HOLD_DATA = ('a',)")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    for module in [module for module in sys.modules if module.split(".")[0] == name]:
        del sys.modules[module]


def test_kinds_are_listed_by_their_yaml_names_without_importing_them(package: str) -> None:
    assert kinds(package) == ["aws-rds", "env-file"]


def test_a_kind_is_imported_when_it_is_named(package: str) -> None:
    assert load(package, "aws-rds", "settings").HOLD_DATA == ("a",)
    with pytest.raises(RuntimeError, match="imported before"):
        load(package, "env-file")


def test_what_the_model_offers_is_what_lies_there() -> None:
    assert {"env-file", "pgbouncer"} <= set(kinds("stacks.endpoints"))
    assert {"flag", "supervisor"} <= set(kinds("stacks.writers"))
    assert {"aws-rds", "local"} <= set(kinds("stacks.providers"))
