"""The plugin under the real engine, by its simplest resource: a line of a dotenv file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.pulumi_project import REPOSITORY, PulumiProject

ENTRY = "dbrestore:envfile:Entry"
PROGRAM = """
from stacks.plugin import EnvFileEntry

url = pulumi.Output.secret({url!r})
entry = EnvFileEntry("line", {{"path": {path!r}, "key": {key!r}, "value": url}}, pulumi.ResourceOptions())
"""
OLD, NEW = "postgresql://app:hunter2@old/x", "postgresql://app:hunter2@new/x"


@pytest.fixture
def project(tmp_path: Path) -> PulumiProject:
    (tmp_path / "app.env").write_text(f"# the application's\nDATABASE_URL={OLD}\nOTHER=1\n")
    made = PulumiProject(tmp_path / "project").make(REPOSITORY / "dbrestore")
    declare(made, OLD)
    return made


def line(project: PulumiProject) -> Path:
    return project.folder.parent / "app.env"


def declare(project: PulumiProject, url: str, key: str = "DATABASE_URL") -> None:
    project.program(PROGRAM.format(path=str(line(project)), key=key, url=url))


def test_a_line_lives_from_preview_to_destroy(project: PulumiProject) -> None:
    original = line(project).read_text()
    declare(project, NEW)

    assert f"+ {ENTRY}" in project.run("preview", "--diff").ok()
    assert line(project).read_text() == original, "a preview touched the file"

    assert "+ 2 created" in project.run("up", "--yes").ok()
    assert line(project).read_text() == original.replace(OLD, NEW)

    assert "2 unchanged" in project.run("up", "--yes", "--expect-no-changes").ok()
    assert "2 unchanged" in project.run("refresh", "--yes").ok()

    assert "- 2 deleted" in project.run("destroy", "--yes").ok()
    assert line(project).read_text() == original.replace(OLD, NEW), "the application lost its line"


def test_a_changed_value_is_an_update_that_names_it_and_shows_no_secret(project: PulumiProject) -> None:
    project.run("up", "--yes").ok()
    declare(project, NEW)
    said = project.run("preview", "--diff").ok()
    assert f"~ {ENTRY}" in said
    assert "~ value: [secret] => [secret]" in said
    said += project.run("up", "--yes", "--diff").ok()
    assert NEW in line(project).read_text()
    said += project.run("stack", "output").ok()
    assert "hunter2" not in said


def test_no_secret_is_in_the_state_in_clear(project: PulumiProject) -> None:
    declare(project, NEW)
    project.run("up", "--yes").ok()
    outputs = project.state()[ENTRY]["outputs"]
    for name in ("value", "original", "previous"):
        assert "ciphertext" in outputs[name], name
    assert outputs["key"] == "DATABASE_URL"
    assert "hunter2" not in project.state()[""]


def test_what_somebody_else_changed_is_seen_by_refresh_and_mended_by_up(project: PulumiProject) -> None:
    project.run("up", "--yes").ok()
    line(project).write_text(line(project).read_text().replace(OLD, "postgresql://elsewhere/x"))
    assert "value" in project.run("refresh", "--yes", "--diff").ok()
    assert f"~ {ENTRY}" in project.run("preview", "--diff").ok()
    assert "~ 1 updated" in project.run("up", "--yes").ok()
    assert OLD in line(project).read_text()


def test_what_may_never_change_is_refused_in_a_preview(project: PulumiProject) -> None:
    project.run("up", "--yes").ok()
    declare(project, OLD, key="OTHER")
    said = project.run("preview").failed()
    assert "an entry is one key of one file; declare another entry for another one" in said
    assert "replace" not in said


def test_a_failure_is_told_in_its_own_words(project: PulumiProject) -> None:
    declare(project, NEW, key="MISSING")
    said = project.run("up", "--yes").failed()
    assert f"{line(project)} has no MISSING, so nothing would read a value put there." in said
    assert "correct path and key" in said
    assert "hunter2" not in said
    assert ENTRY not in project.state()
