"""``reforge WORDS`` in this process, on a project of its own and a made-up engine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli import engine, main
from tests.unit.cli.doubles import Ended, PlayedEngine

STACK = """\
encryptionsalt: v1:abc=
config:
  reforge:source:
    provider: local
    instance: starforge
    database: starforge
    backups: /srv/backups
    archive: /srv/wal
    directory: /srv/restores
  reforge:source-url:
    secure: v1:Zm9v:YmFy
  reforge:operators:
    - 127.0.0.1/32
  # New instances.
  reforge:restores: {}
  # Where the application points.
  reforge:serving: source
  reforge:writing: all
"""
Reforge = Callable[..., Ended]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> PlayedEngine:
    """The engine that the command line finds."""
    double = PlayedEngine()

    def opened(project: Path, stack: str, folder: Path) -> PlayedEngine:
        double.project, double.stack, double.folder = project, stack, folder
        return double

    monkeypatch.setattr(engine, "Engine", opened)
    return double


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a stack ``local``; we are in its folder."""
    (tmp_path / "Pulumi.yaml").write_text("name: reforge\nruntime: python\n")
    (tmp_path / "Pulumi.local.yaml").write_text(STACK)
    monkeypatch.chdir(tmp_path)
    for name in ("REFORGE_STACK", "REFORGE_SOURCE_URL", "REFORGE_PGBOUNCER_ADMIN", "REFORGE_VALIDATE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def reforge(
    played: PlayedEngine, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Reforge:
    """Runs a command to its exit code, the one that is expected."""
    monkeypatch.setattr(main, "_end_as_by_ctrl_c", lambda: None)

    def run(*words: str, expect: int = 0) -> Ended:
        monkeypatch.setattr(sys, "argv", ["reforge", *words])
        code = 0
        try:
            main.main()
        except SystemExit as ended:
            code = int(str(ended.code or 0))
        ended_with = Ended(code, *capsys.readouterr())
        assert code == expect, ended_with
        return ended_with

    return run
