"""The language host's parts and its launcher; the whole of it runs in tests/e2e."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from toolchain import language_host
from toolchain.language_host import ProgramHost, engine_address

Program = Callable[[Path, str], Path]
LAUNCHER = Path(language_host.__file__).with_name("pulumi-language-python")


@pytest.mark.parametrize(
    ("arguments", "address"),
    [
        (["127.0.0.1:4000"], "127.0.0.1:4000"),
        (["-root=/x", "--tracing=file:/t", "127.0.0.1:4000"], "127.0.0.1:4000"),
        (["127.0.0.1:4000", "-v=9"], "127.0.0.1:4000"),
        ([], ""),
    ],
)
def test_the_engines_address_is_the_last_argument_that_is_no_option(
    arguments: list[str], address: str
) -> None:
    assert engine_address(arguments) == address


def test_a_crash_shows_the_programs_frames_only(tmp_path: Path) -> None:
    host = ProgramHost("")
    host._entry_point = str(tmp_path / "__main__.py")
    (tmp_path / "__main__.py").write_text("def divide():\n    return 1 / 0\n\n\ndivide()\n")
    with pytest.raises(Exception, match="ZeroDivisionError: division by zero") as caught:
        host._run_program()
    words = str(caught.value)
    assert words.startswith("The program failed:\n")
    assert words.count("File ") == 2
    assert "runpy" not in words
    assert "language_host" not in words


def launch(folder: Path, environment: dict[str, str]) -> str:
    """What the python that the launcher chose says."""
    command = [LAUNCHER, "127.0.0.1:1"]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=20)
    return ran.stdout.strip()


@pytest.fixture
def environment(tmp_path: Path, program: Program) -> dict[str, str]:
    """A PATH whose python3 says so, before the real tools."""
    program(tmp_path / "on-path/python3", 'echo "path $*"')
    return {"PATH": f"{tmp_path}/on-path{os.pathsep}/usr/bin{os.pathsep}/bin"}


def test_the_launcher_takes_the_environment_of_the_project_or_of_a_folder_above(
    tmp_path: Path, program: Program, environment: dict[str, str]
) -> None:
    program(tmp_path / "repo/.venv/bin/python", 'echo "venv $*"')
    (tmp_path / "repo/deep/project").mkdir(parents=True)
    expected = f"venv -P {LAUNCHER.with_name('language_host.py')} 127.0.0.1:1"
    assert launch(tmp_path / "repo", environment) == expected
    assert launch(tmp_path / "repo/deep/project", environment | {"REFORGE_PYTHON": "/x"}) == expected


def test_without_one_it_takes_the_named_python_then_the_one_on_path(
    tmp_path: Path, program: Program, environment: dict[str, str]
) -> None:
    named = program(tmp_path / "named python", 'echo "named $1"')
    assert launch(tmp_path, environment | {"REFORGE_PYTHON": str(named)}) == "named -P"
    assert launch(tmp_path, environment).startswith("path -P")


def test_the_launcher_works_from_the_root_folder(environment: dict[str, str]) -> None:
    assert launch(Path("/"), environment).startswith(("path -P", "venv"))
