"""Programs that only pretend, and a machine that has nothing but them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Program = Callable[[Path, str], Path]


@pytest.fixture
def program() -> Program:
    """Writes an executable shell script of that content."""

    def write(path: Path, body: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH folder (the only one), an empty cache; gives the PATH folder."""
    folder = tmp_path / "on-path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("REFORGE_CACHE", str(tmp_path / "cache"))
    for name in ("REFORGE_PG_BIN", "REFORGE_PGBOUNCER", "REFORGE_PYTHON"):
        monkeypatch.delenv(name, raising=False)
    return folder
