"""The user's cache and its lock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from toolchain import cache
from toolchain.cache import cache_folder, only_one

HOLDER = """
import sys
from pathlib import Path
from toolchain.cache import only_one
with only_one("making something", Path(sys.argv[1]), print):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_cache_lies_where_the_platform_keeps_caches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("REFORGE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder().is_relative_to(tmp_path)
    assert cache_folder().name == "reforge"


def test_the_cache_can_be_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REFORGE_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"


def test_who_waits_is_told_for_whom_and_goes_on_when_that_one_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "NOTICE_SECONDS", 0.05)
    lines: list[str] = []
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        def hear(line: str) -> None:
            lines.append(line)
            holder.kill()

        with only_one("waiting for it", tmp_path, hear):
            assert "waiting for it" in (tmp_path / ".lock.owner").read_text()
    assert lines[0].startswith(f"waiting for process {holder.pid}, which is making something since ")
    assert not (tmp_path / ".lock.owner").exists()


def test_the_lock_is_given_back_when_the_work_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), only_one("failing", tmp_path / "new", print):
        raise ZeroDivisionError
    lines: list[str] = []
    with only_one("trying again", tmp_path / "new", lines.append):
        assert lines == []
