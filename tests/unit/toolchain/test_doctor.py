"""What is said about this machine."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from problem import Problem
from toolchain import doctor
from toolchain.accounts import Account
from toolchain.doctor import Finding, examine
from toolchain.engine import Engine
from toolchain.postgres import Binaries

Program = Callable[[Path, str], Path]


@pytest.fixture
def well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine that has everything."""
    monkeypatch.setenv("REFORGE_CACHE", str(tmp_path / "cache"))
    complete = SimpleNamespace(version="15.9", directory=tmp_path, origin="debian", missing=())
    monkeypatch.setattr(doctor, "find_engine", lambda: Engine(Path("/e/pulumi"), "3.259.0", "cache", "built"))
    monkeypatch.setattr(doctor, "find_binaries", lambda: complete)
    monkeypatch.setattr(doctor, "find_pgbouncer", lambda: Path("/usr/sbin/pgbouncer"))
    monkeypatch.setattr(doctor, "pgbouncer_version", lambda program: "1.18.0")
    monkeypatch.setattr(doctor, "server_account", lambda: None)
    monkeypatch.setattr(doctor, "find_supervisord", lambda: Path("/v/supervisord"))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=80 << 30))
    return tmp_path


def found(name: str) -> Finding:
    return next(one for one in examine() if one.name == name)


def missing(name: str) -> Callable[[], object]:
    def find() -> object:
        raise Problem(f"{name}-missing", f"{name} was not found.", f"get {name}")

    return find


def test_a_machine_that_has_everything_needs_no_cure(well: Path) -> None:
    findings = examine()
    assert [one.name for one in findings] == [
        "python",
        "engine",
        "postgresql",
        "pgbouncer",
        "supervisord",
        "cache",
        "disk",
    ]
    assert all(one.ok and not one.cure for one in findings)
    assert found("engine").detail == "Pulumi 3.259.0 /e/pulumi [cache (built)]"


def test_without_an_engine_go_matters(well: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_engine", lambda: None)
    monkeypatch.setattr(doctor, "find_go", missing("go"))
    assert found("engine") == Finding(
        "engine", False, "no Pulumi engine on PATH or in the cache", "make engine"
    )
    assert found("go") == Finding("go", False, "go was not found.", "get go")


def test_a_go_that_can_build_is_named(well: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_engine", lambda: None)
    monkeypatch.setattr(doctor, "find_go", lambda: Path("/go/bin/go"))
    monkeypatch.setattr(doctor, "go_version", lambda go: (1, 26, 8))
    assert found("go").ok
    assert found("go").detail.startswith("1.26.8 /go/bin/go")


@pytest.mark.parametrize(
    ("finder", "name"), [("find_binaries", "postgresql"), ("find_pgbouncer", "pgbouncer")]
)
def test_a_missing_server_comes_with_what_gets_it(
    well: Path, monkeypatch: pytest.MonkeyPatch, finder: str, name: str
) -> None:
    monkeypatch.setattr(doctor, finder, missing(name))
    assert found(name) == Finding(name, False, f"{name} was not found.", f"get {name}")


def test_an_incomplete_postgresql_is_told_with_what_it_lacks(
    well: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    partial = SimpleNamespace(
        version="15.9", directory=tmp_path, origin="path", missing=("pg_waldump", "psql")
    )
    monkeypatch.setattr(doctor, "find_binaries", lambda: partial)
    assert "lacks pg_waldump, psql" in found("postgresql").detail
    assert not found("postgresql").ok


def test_a_folder_that_the_server_account_may_not_enter_is_named(
    well: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = well / "closed/bin"
    programs.mkdir(parents=True)
    folders = [programs, *programs.parents]
    opened = [one for one in folders if one.stat().st_uid == os.geteuid() and one.is_relative_to(well)]
    for one in opened:
        one.chmod(0o755)
    monkeypatch.setattr(doctor, "server_account", lambda: Account("postgres", 70, 70))
    monkeypatch.setattr(doctor, "find_binaries", lambda: Binaries(programs, "15.9", "wheel"))
    (well / "closed").chmod(0o700)
    outermost = doctor._closed_to_others(programs)
    assert outermost is not None
    finding = found("server account")
    assert (finding.ok, finding.detail) == (False, f"postgres may not enter {outermost}")
    assert finding.cure.startswith(f"chmod o+x {outermost}")


def test_programs_that_everyone_may_run_are_fine(well: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "server_account", lambda: Account("postgres", 70, 70))
    monkeypatch.setattr(doctor, "find_binaries", lambda: Binaries(Path("/usr/bin"), "15.9", "path"))
    assert found("server account").ok


def test_supervisord_is_found_beside_our_python_or_on_path(
    bare_machine: Path, program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv/python"))
    assert doctor.find_supervisord() is None
    assert doctor._supervisord() == Finding(
        "supervisord", False, "not found beside this Python or on PATH", "make venv"
    )
    program(bare_machine / "supervisord", "")
    assert doctor.find_supervisord() == bare_machine / "supervisord"
    program(tmp_path / "venv/supervisord", "")
    assert doctor.find_supervisord() == tmp_path / "venv/supervisord"


def test_a_cache_that_cannot_be_written_is_told(well: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert not found("cache").ok
    assert "REFORGE_CACHE" in found("cache").cure


def test_little_disk_is_told(well: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=3 << 29))
    assert found("disk").detail.startswith("1.5 GiB free on ")
    assert not found("disk").ok


def test_looking_changes_nothing(bare_machine: Path, tmp_path: Path) -> None:
    examine()
    assert not (tmp_path / "cache").exists()
