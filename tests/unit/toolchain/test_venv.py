"""When the environment is made, and when it is not."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from toolchain import venv
from toolchain.venv import ensure_venv, is_made

Program = Callable[[Path, str], Path]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "requirements.lock").write_text("click==8.5.1")
    (tmp_path / "pyproject.toml").write_text("[project]")
    return tmp_path


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have been run."""
    seen: list[list[str]] = []

    def run(command: list[str], check: bool) -> None:
        assert check
        seen.append(command)
        if command[1:3] == ["-m", "venv"]:
            (Path(command[3]) / "bin").mkdir(parents=True)

    monkeypatch.setattr(subprocess, "run", run)
    return seen


def test_it_is_made_once(project: Path, calls: list[list[str]]) -> None:
    assert ensure_venv(project)
    assert len(calls) == 3
    assert not ensure_venv(project)
    assert len(calls) == 3


def test_every_digest_is_checked_and_nothing_else_is_fetched(project: Path, calls: list[list[str]]) -> None:
    ensure_venv(project)
    _, dependencies, itself = calls
    assert dependencies[-3:] == ["--require-hashes", "-r", str(project / "requirements.lock")]
    assert itself[-4:] == ["--no-build-isolation", "--no-deps", "-e", str(project)]


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_it_is_made_anew_when_what_it_depends_on_changes(
    project: Path, calls: list[list[str]], name: str
) -> None:
    ensure_venv(project)
    (project / ".venv/of-before").touch()
    (project / name).write_text("changed")
    assert ensure_venv(project)
    assert not (project / ".venv/of-before").exists()


def test_one_that_was_not_finished_is_not_used(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], check: bool) -> None:
        (project / ".venv").mkdir(exist_ok=True)
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(subprocess.CalledProcessError):
        ensure_venv(project)
    assert (project / ".venv").exists()
    assert not is_made(project)


def test_one_that_moved_with_its_folder_is_not_used(
    project: Path, calls: list[list[str]], tmp_path: Path
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    for name in ("requirements.lock", "pyproject.toml"):
        (inner / name).write_text((project / name).read_text())
    ensure_venv(inner)
    assert not is_made(inner.rename(tmp_path / "elsewhere"))


def test_a_failure_names_the_next_command(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(root: Path) -> bool:
        raise subprocess.CalledProcessError(1, ["pip"])

    monkeypatch.setattr(venv, "ROOT", project)
    monkeypatch.setattr(venv, "ensure_venv", fail)
    assert venv.main() == 1
    assert capsys.readouterr().err.endswith("Once that is mended: make venv\n")


def test_a_python_without_ensurepip_is_told_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert venv.main() == 1
    assert "python3-venv" in capsys.readouterr().err


def test_making_it_is_announced(
    project: Path, calls: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(venv, "ROOT", project)
    assert venv.main() == 0
    assert "making .venv" in capsys.readouterr().err
    assert venv.main() == 0
    assert capsys.readouterr().err == ""


def test_it_needs_nothing_but_the_standard_library() -> None:
    code = f"import runpy; runpy.run_path({venv.__file__!r})"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
