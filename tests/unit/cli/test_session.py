"""Where a command works: the project found above, the one stack there is, and commands that mean the same."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cli.render import Screen
from cli.session import Session
from problem import Misuse


def test_the_project_is_the_nearest_folder_above(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = project / "docs" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    session = Session(Screen())
    assert session.project == project
    assert session.file.raw["serving"] == "source"


def test_a_folder_that_is_named_is_not_left_for_one_above(project: Path) -> None:
    (project / "empty").mkdir()
    with pytest.raises(Misuse, match=r"no Pulumi.yaml in .*/empty.\n.*reforge init"):
        _ = Session(Screen(), project / "empty").project


def test_the_only_stack_is_taken_and_of_many_one_must_be_named(project: Path) -> None:
    assert Session(Screen()).stack == "local"
    (project / "Pulumi.prod.yaml").write_text("")
    with pytest.raises(Misuse, match=r"has 2 stacks: local, prod.\nName one of them: --stack local"):
        _ = Session(Screen()).stack
    assert Session(Screen(), stack="prod").stack == "prod"


def test_a_project_without_a_stack_says_how_to_make_one(project: Path) -> None:
    (project / "Pulumi.local.yaml").unlink()
    with pytest.raises(Misuse, match=r"has no stack.\nMake one: reforge init"):
        _ = Session(Screen()).stack


def test_a_command_to_type_means_the_same_project_and_stack() -> None:
    assert Session(Screen()).command("status") == "reforge status"
    session = Session(Screen(), Path("/srv/my project"), "prod")
    assert session.command("restore", "x") == "reforge -C '/srv/my project' --stack prod restore x"


def test_what_reforge_keeps_is_for_its_owner_alone(project: Path) -> None:
    assert stat.S_IMODE(Session(Screen()).folder.stat().st_mode) == 0o700
