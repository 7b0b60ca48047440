"""Which installation of PostgreSQL is used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from problem import Problem
from toolchain import postgres
from toolchain.postgres import NEEDED, Binaries, find_binaries, installations

Install = Callable[..., Path]


@pytest.fixture
def install(program: Callable[[Path, str], Path]) -> Install:
    """Lays an installation that answers with that version; ``lacks`` names programs it does not have."""

    def lay(directory: Path, version: str, lacks: tuple[str, ...] = ()) -> Path:
        for name in set(NEEDED) - set(lacks):
            program(directory / name, f"echo 'postgres (PostgreSQL) {version} (Some Linux)'")
        return directory

    return lay


@pytest.fixture
def machine(tmp_path: Path, bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no PostgreSQL; Debian's and PGDG's places lie in the folder it gives."""
    monkeypatch.setattr(postgres, "_DEBIAN", (str(tmp_path / "debian"), "*/bin", "debian"))
    monkeypatch.setattr(postgres, "_PGDG", (str(tmp_path / "usr"), "pgsql-*/bin", "pgdg"))
    monkeypatch.setattr(postgres, "WHEELS", ())
    return tmp_path


def test_without_any_the_problem_says_what_gets_one(machine: Path) -> None:
    with pytest.raises(Problem) as caught:
        find_binaries()
    assert caught.value.name == "postgres-missing"
    assert "make servers" in caught.value.cure


def test_the_newest_is_taken(machine: Path, install: Install) -> None:
    install(machine / "debian/9.6/bin", "9.6.24")
    install(machine / "debian/15/bin", "15.9")
    install(machine / "usr/pgsql-16/bin", "16.4")
    assert find_binaries() == Binaries(machine / "usr/pgsql-16/bin", "16.4", "pgdg")


def test_a_newer_minor_version_goes_before_an_older_one(machine: Path, install: Install) -> None:
    install(machine / "debian/15/bin", "15.9")
    install(machine / "usr/pgsql-15/bin", "15.18")
    assert find_binaries().version == "15.18"


def test_a_major_version_can_be_asked_for(machine: Path, install: Install) -> None:
    install(machine / "debian/15/bin", "15.9")
    install(machine / "debian/16/bin", "16.4")
    assert find_binaries(15).version == "15.9"
    with pytest.raises(Problem, match="PostgreSQL 14 was not found"):
        find_binaries(14)


def test_the_chosen_folder_goes_before_a_newer_one(
    machine: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(machine / "debian/16/bin", "16.4")
    monkeypatch.setenv("REFORGE_PG_BIN", str(install(machine / "mine", "15.9")))
    assert find_binaries() == Binaries(machine / "mine", "15.9", "environment")


def test_the_folder_that_path_leads_to_is_found(machine: Path, bare_machine: Path, install: Install) -> None:
    real = install(machine / "opt/bin", "17.2")
    (bare_machine / "pg_ctl").symlink_to(real / "pg_ctl")
    assert find_binaries() == Binaries(real, "17.2", "path")


def test_a_wheel_is_the_last_resort(machine: Path, install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "WHEELS", ("a_wheel_with_servers", "one_that_is_not_installed"))
    monkeypatch.syspath_prepend(machine / "site")
    wheel = install(machine / "site/a_wheel_with_servers/pginstall/bin", "16.14")
    assert find_binaries() == Binaries(wheel, "16.14", "wheel")
    another = install(
        machine / "site/a_wheel_with_servers/pginstall18/bin", "18.4", lacks=("pg_verifybackup",)
    )
    assert find_binaries(18) == Binaries(another, "18.4", "wheel")
    install(machine / "debian/15/bin", "15.9")
    assert find_binaries().origin == "debian"


def test_a_complete_installation_goes_before_a_newer_partial_one(machine: Path, install: Install) -> None:
    install(machine / "debian/16/bin", "16.4", lacks=("pg_waldump",))
    install(machine / "debian/15/bin", "15.9")
    assert find_binaries().version == "15.9"
    assert find_binaries(16).missing == ("pg_waldump",)


def test_client_programs_alone_are_no_installation(machine: Path, install: Install) -> None:
    install(machine / "debian/15/bin", "15.9", lacks=("postgres", "initdb"))
    assert installations() == []


@pytest.mark.parametrize("body", ["exit 1", "echo nonsense"])
def test_a_broken_server_program_is_passed_by(
    machine: Path, install: Install, program: Callable[[Path, str], Path], body: str
) -> None:
    program(install(machine / "debian/16/bin", "16.4") / "postgres", body)
    assert installations() == []


def test_a_program_of_another_machine_is_passed_by(machine: Path, install: Install) -> None:
    (install(machine / "debian/16/bin", "16.4") / "postgres").write_bytes(b"\x7fELF, but not for us")
    assert installations() == []


def test_a_tool_that_is_missing_is_named_with_its_folder(machine: Path, install: Install) -> None:
    binaries = Binaries(install(machine / "bin", "15.9", lacks=("pg_verifybackup",)), "15.9", "path")
    assert binaries.tool("pg_ctl") == machine / "bin/pg_ctl"
    with pytest.raises(Problem, match=r"PostgreSQL 15\.9 in .*/bin has no pg_verifybackup"):
        binaries.tool("pg_verifybackup")


@pytest.mark.parametrize(
    ("version", "major"), [("15.18", 15), ("9.6.24", 9), ("19devel", 19), ("18beta2", 18)]
)
def test_the_major_version_is_the_first_number(version: str, major: int) -> None:
    assert Binaries(Path("/"), version, "path").major == major
