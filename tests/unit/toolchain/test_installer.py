"""Pulumi's own installer, seen from outside: it works, it fails, it hangs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from toolchain import installer
from toolchain.installer import install


def test_what_it_installed_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lays = "import os, sys; os.makedirs(sys.argv[1] + '/bin'); open(sys.argv[1] + '/bin/pulumi', 'w').close()"
    monkeypatch.setattr(installer, "_PROGRAM", lays)
    assert install(tmp_path / "engine", lambda _line: None)


def test_when_it_fails_its_last_line_is_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installer, "_PROGRAM", "raise OSError('the host is not known')")
    lines: list[str] = []
    assert not install(tmp_path / "engine", lines.append)
    assert lines[-1] == "Pulumi's installer cannot be used here: OSError: the host is not known"


def test_when_it_fails_without_a_word_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installer, "_PROGRAM", "raise SystemExit(1)")
    lines: list[str] = []
    assert not install(tmp_path / "engine", lines.append)
    assert "gave no reason" in lines[-1]


def test_success_without_an_engine_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installer, "_PROGRAM", "pass")
    assert not install(tmp_path / "engine", lambda _line: None)


def test_one_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installer, "_PROGRAM", "import time; time.sleep(60)")
    monkeypatch.setattr(installer, "INSTALL_SECONDS", 0.2)
    started, lines = time.monotonic(), list[str]()
    assert not install(tmp_path / "engine", lines.append)
    assert time.monotonic() - started < 30
    assert "did not finish" in lines[-1]


def test_a_host_that_does_not_answer_is_given_up_within_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a proxy that takes the connection and never says a word."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(installer, "CONNECT_SECONDS", 0.3)
        started, lines = time.monotonic(), list[str]()
        assert not install(tmp_path / "engine", lines.append)
    assert time.monotonic() - started < 30
    assert "cannot be used here" in lines[-1]
