"""The API server of the Kubernetes tests: found where it was built before, and skipped with a reason else."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.kubebox import server


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REFORGE_CACHE", str(tmp_path))
    return tmp_path


def test_without_go_the_tests_are_skipped_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.skip.Exception, match="Go is not installed"):
        server.binary()


def test_without_the_modules_the_tests_are_skipped_and_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "go: module lookup disabled by GOPROXY=off")
    monkeypatch.setattr(server.shutil, "which", lambda _name: "/usr/bin/go")
    monkeypatch.setattr(server.subprocess, "run", lambda *_words, **_options: failed)
    with pytest.raises(pytest.skip.Exception, match="GOPROXY=off"):
        server.binary()


def test_it_is_built_once_for_each_set_of_modules(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    builds: list[Any] = []

    def build(command: list[str], **_options: Any) -> Any:
        builds.append(command)
        Path(command[command.index("-o") + 1]).touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(server.shutil, "which", lambda _name: "/usr/bin/go")
    monkeypatch.setattr(server.subprocess, "run", build)
    assert server.binary() == server.binary()
    assert len(builds) == 1
    assert [path.name for path in cache.rglob("kubebox*")] == ["kubebox", "kubebox"]
