"""Which Pulumi engine is used, and how one is got."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from problem import Problem
from toolchain import engine
from toolchain.engine import Engine, engine_environment, engine_version, find_engine, get_engine

Program = Callable[[Path, str], Path]
ANSWER = "echo v3.259.0"


@pytest.fixture
def roads(monkeypatch: pytest.MonkeyPatch, program: Program) -> dict[str, bool]:
    """Whether the installer and the build work; both lay an engine that answers, and note that they ran."""
    works = {"installer": False, "build": True}

    def install(folder: Path, progress: Callable[[str], None]) -> bool:
        progress("installing")
        if works["installer"]:
            program(folder / "bin/pulumi", ANSWER)
        return works["installer"]

    def build(folder: Path, progress: Callable[[str], None]) -> None:
        progress("building")
        program(folder / "bin/pulumi", ANSWER if works["build"] else "exit 1")

    monkeypatch.setattr(engine, "install", install)
    monkeypatch.setattr(engine, "build", build)
    return works


def test_nothing_is_found_on_a_bare_machine(bare_machine: Path) -> None:
    assert find_engine() is None


def test_the_one_on_path_is_used_as_it_is(bare_machine: Path, program: Program) -> None:
    path = program(bare_machine / "pulumi", "echo v3.300.1")
    program(bare_machine / "pulumi-language-python", "")
    assert find_engine() == Engine(path, "3.300.1", "path")


def test_the_language_host_may_lie_beside_the_real_file(
    bare_machine: Path, program: Program, tmp_path: Path
) -> None:
    program(tmp_path / "opt/pulumi", ANSWER)
    program(tmp_path / "opt/pulumi-language-python", "")
    (bare_machine / "pulumi").symlink_to(tmp_path / "opt/pulumi")
    found = find_engine()
    assert found is not None
    assert found.description == "path"


@pytest.mark.parametrize("answer", ["echo v3.199.9", "echo v2.30.0", "echo strange", "exit 1"])
def test_one_on_path_that_is_too_old_or_broken_is_passed_by(
    bare_machine: Path, program: Program, answer: str
) -> None:
    program(bare_machine / "pulumi", answer)
    program(bare_machine / "pulumi-language-python", "")
    assert find_engine() is None


def test_one_on_path_that_cannot_run_python_programs_is_passed_by(
    bare_machine: Path, program: Program
) -> None:
    program(bare_machine / "pulumi", ANSWER)
    assert find_engine() is None


def test_its_version_is_asked_once_and_again_when_the_file_changes(
    bare_machine: Path, program: Program, tmp_path: Path
) -> None:
    count = tmp_path / "asked"
    path = program(bare_machine / "pulumi", f"echo once >> {count}; echo v3.259.0")
    program(bare_machine / "pulumi-language-python", "")
    assert [find_engine(), find_engine()] == [Engine(path, "3.259.0", "path")] * 2
    assert count.read_text() == "once\n"
    program(path, f"echo again >> {count}; echo v3.260.0")
    assert find_engine() == Engine(path, "3.260.0", "path")
    assert count.read_text() == "once\nagain\n"


def test_an_unwritable_memory_is_no_hindrance(
    bare_machine: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("REFORGE_CACHE", str(tmp_path / "file/cache"))
    program(bare_machine / "pulumi", ANSWER)
    program(bare_machine / "pulumi-language-python", "")
    assert find_engine() is not None


def test_a_built_engine_has_its_language_host_beside_it_and_is_found_next_time(
    bare_machine: Path, roads: dict[str, bool]
) -> None:
    lines: list[str] = []
    made = get_engine(lines.append)
    assert (made.version, made.origin, made.description) == ("3.259.0", "built", "built")
    assert lines == ["installing", "building"]
    assert os.access(made.path.with_name("pulumi-language-python"), os.X_OK)
    assert made.path.with_name("language_host.py").exists()
    assert get_engine(lines.append) == Engine(made.path, "3.259.0", "cache", "built")
    assert lines == ["installing", "building"]


def test_a_cached_engine_remembers_how_it_came(bare_machine: Path, roads: dict[str, bool]) -> None:
    roads["installer"] = True
    made = get_engine()
    assert made.origin == "installer"
    assert not made.path.with_name("language_host.py").exists()
    again = get_engine()
    assert again.description == "cache (installer)"


def test_a_language_host_of_another_version_is_replaced(bare_machine: Path, roads: dict[str, bool]) -> None:
    copy = get_engine().path.with_name("language_host.py")
    current = copy.read_bytes()
    copy.write_text("of last month")
    find_engine()
    assert copy.read_bytes() == current


def test_an_engine_that_does_not_answer_is_never_cached(bare_machine: Path, roads: dict[str, bool]) -> None:
    roads["build"] = False
    with pytest.raises(Problem, match="does not answer"):
        get_engine()
    assert find_engine() is None
    roads["build"] = True
    assert get_engine().origin == "built"


def test_a_failed_build_leaves_nothing(
    bare_machine: Path, roads: dict[str, bool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(folder: Path, progress: object) -> None:
        (folder / "bin").mkdir(parents=True)
        raise Problem("engine-build-failed", "no disk")

    monkeypatch.setattr(engine, "build", fail)
    with pytest.raises(Problem, match="no disk"):
        get_engine()
    assert [one.name for one in (tmp_path / "cache/engine").iterdir() if one.is_dir()] == []


def test_what_a_killed_build_left_is_removed(
    bare_machine: Path, roads: dict[str, bool], tmp_path: Path
) -> None:
    leftover = tmp_path / "cache/engine/.making-killed/engine/bin"
    leftover.mkdir(parents=True)
    (leftover / "pulumi").write_text("half of an engine")
    get_engine()
    assert not leftover.exists()


@pytest.mark.parametrize("broken", ["engine.json", "bin/pulumi"])
def test_a_damaged_cache_is_made_anew(bare_machine: Path, roads: dict[str, bool], broken: str) -> None:
    home = get_engine().path.parent.parent
    (home / broken).unlink()
    assert find_engine() is None
    assert get_engine().origin == "built"


def test_a_link_to_the_cached_engine_on_path_counts_as_the_cache(
    bare_machine: Path, roads: dict[str, bool]
) -> None:
    made = get_engine()
    (bare_machine / "pulumi").symlink_to(made.path)
    assert get_engine().description == "cache (built)"


def test_two_at_once_make_one_engine(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch, program: Program
) -> None:
    builds: list[Path] = []
    both_ask = threading.Barrier(2)

    def build(folder: Path, progress: object) -> None:
        builds.append(folder)
        program(folder / "bin/pulumi", ANSWER)

    def find() -> None:
        both_ask.wait(10)

    def ask() -> None:
        origins.append(get_engine().origin)

    origins: list[str] = []
    monkeypatch.setattr(engine, "install", lambda folder, progress: False)
    monkeypatch.setattr(engine, "build", build)
    monkeypatch.setattr(engine, "find_engine", find)
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(origins) == ["built", "cache"]
    assert len(builds) == 1


def test_an_engine_that_cannot_be_started_has_no_version(tmp_path: Path) -> None:
    assert engine_version(tmp_path / "nothing") is None


def test_a_run_finds_its_engine_first_and_asks_nobody_for_updates(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = engine_environment(Engine(Path("/opt/engine/bin/pulumi"), "3.259.0", "cache", "built"))
    assert added["PATH"] == f"/opt/engine/bin{os.pathsep}{bare_machine}"
    assert added["PULUMI_SKIP_UPDATE_CHECK"] == "true"
    assert added["REFORGE_PYTHON"] == sys.executable
    monkeypatch.setenv("REFORGE_PYTHON", "/chosen/python")
    assert (
        engine_environment(Engine(Path("/x/pulumi"), "3.259.0", "path"))["REFORGE_PYTHON"] == "/chosen/python"
    )


def _main(python: Path, cache: Path, path: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path), "REFORGE_CACHE": str(cache), "HOME": str(cache)}
    root = str(Path(engine.__file__).parent.parent)
    code = f"import sys, runpy; sys.path.insert(0, {root!r}); sys.executable = {str(python)!r}; "
    code += "runpy.run_module('toolchain.engine', run_name='__main__')"
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


def test_make_engine_lays_a_link_for_bare_use(
    bare_machine: Path, roads: dict[str, bool], tmp_path: Path
) -> None:
    made = get_engine()
    (tmp_path / "venv").mkdir()
    ran = _main(tmp_path / "venv/python", tmp_path / "cache", bare_machine)
    assert (ran.returncode, ran.stdout) == (0, "")
    assert ran.stderr == f"Pulumi engine 3.259.0: {made.path} [cache (built)]\n"
    assert (tmp_path / "venv/pulumi").resolve() == made.path.resolve()


def test_facts_that_are_no_json_are_no_engine(bare_machine: Path, roads: dict[str, bool]) -> None:
    home = get_engine().path.parent.parent
    assert json.loads((home / "engine.json").read_text())["origin"] == "built"
    (home / "engine.json").write_text("{")
    assert find_engine() is None
