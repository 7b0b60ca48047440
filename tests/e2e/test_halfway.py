"""Work that is refused, stopped half way or killed under the real engine: nothing is orphaned or hangs."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.pulumi_project import PulumiProject
from tests.support.servers import wait_until

FOLDER = "dbrestore:halfway:Folder"
PROGRAM = """
class Folder(pulumi.CustomResource):
    def __init__(self, name, properties):
        super().__init__("dbrestore:halfway:Folder", name, {{"whole": None, **properties}})

Folder("half", {{"folder": {folder!r}, "word": {word!r}}})
"""


@pytest.fixture
def project(tmp_path: Path) -> PulumiProject:
    place(tmp_path).mkdir()
    made = PulumiProject(tmp_path / "project").make(Path(__file__).parent / "halfway")
    declare(made, "hello")
    return made


def place(root: Path) -> Path:
    return root / "made-here"


def folder(project: PulumiProject) -> Path:
    return place(project.folder.parent)


def declare(project: PulumiProject, word: str) -> None:
    project.program(PROGRAM.format(folder=str(folder(project)), word=word))


def calls(project: PulumiProject) -> list[str]:
    written = folder(project) / "calls"
    return written.read_text().split() if written.exists() else []


def waiting(project: PulumiProject, *arguments: str) -> tuple[subprocess.Popen[str], int]:
    """The engine with a resource at work, and the plugin's process id."""
    (folder(project) / "wait").touch()
    engine = project.start(*arguments)
    wait_until((folder(project) / "waiting").exists, 60, "the work to begin")
    plugin, parent = (folder(project) / "waiting").read_text().split()
    assert int(parent) == engine.pid
    (folder(project) / "wait").unlink()
    (folder(project) / "waiting").unlink()
    return engine, int(plugin)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_bare_preview_already_refuses_what_cannot_work(project: PulumiProject) -> None:
    (folder(project) / "refuse").touch()
    said = project.run("preview").failed()
    assert f"{folder(project)} says no." in said
    assert "Remove the file refuse." in said
    assert calls(project) == []
    (folder(project) / "refuse").unlink()
    project.run("up", "--yes").ok()
    (folder(project) / "refuse").touch()
    project.run("preview", "--expect-no-changes").ok()


def test_what_stopped_half_way_is_kept_and_finished_by_the_next_run(project: PulumiProject) -> None:
    (folder(project) / "stop").touch()
    said = project.run("up", "--yes").failed()
    assert "Stopped half way. [interrupted]\n" in said
    assert "Run the same command again." in said
    kept = project.state()[FOLDER]
    assert (kept["id"], kept["outputs"]["whole"]) == (str(folder(project)), False)
    assert kept["initErrors"]
    (folder(project) / "stop").unlink()
    assert "1 updated" in project.run("up", "--yes").ok()
    assert calls(project) == ["create", "update"]
    assert project.state()[FOLDER]["outputs"]["whole"] is True
    project.run("up", "--yes", "--expect-no-changes").ok()


def test_an_interrupted_run_stops_at_a_safe_point_and_keeps_what_was_made(project: PulumiProject) -> None:
    engine, plugin = waiting(project, "up", "--yes", "--skip-preview")
    os.kill(engine.pid, signal.SIGINT)
    os.kill(plugin, signal.SIGINT)
    said, _ = engine.communicate(timeout=60)
    assert engine.returncode != 0
    assert "Stopped half way." in said
    assert project.state()[FOLDER]["outputs"]["whole"] is False
    assert "1 updated" in project.run("up", "--yes").ok()
    wait_until(lambda: gone(plugin), 10, "the plugin's end")


def test_a_killed_engine_takes_the_plugin_along_and_the_next_run_creates_again(
    project: PulumiProject,
) -> None:
    engine, plugin = waiting(project, "up", "--yes", "--skip-preview")
    engine.kill()
    engine.communicate()
    wait_until(lambda: gone(plugin), 5, "the plugin's end")
    project.run("cancel", "--yes")
    said = project.run("up", "--yes")
    assert said.code == 0, said.said
    assert calls(project) == ["create", "create"]
    assert (folder(project) / "made").read_text() == "hello"
    # The engine itself forgets an interrupted create only when it is told to.
    project.run("refresh", "--yes", "--clear-pending-creates")
    project.run("destroy", "--yes").ok()
