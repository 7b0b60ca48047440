"""Plugins that all runs of one command share: started once, told to the engine, ended with the command."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from cli.plugins import VARIABLE, Plugins

PLUGIN = """#!{python}
import signal, sys
def end(*_):
    open("ended", "w").close()
    sys.exit(0)
signal.signal(signal.SIGINT, end)
print({port}, flush=True)
{then}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    lines = "plugins:\n  providers:\n  - {name: made, path: here}\n  - {name: gone, path: nowhere}\n"
    (tmp_path / "Pulumi.yaml").write_text("name: reforge\n" + lines)
    return tmp_path


def plugin(project: Path, port: object, then: str = "signal.pause()") -> None:
    program = project / "here/pulumi-resource-made"
    text = PLUGIN.replace("{python}", sys.executable).replace("{port}", repr(port)).replace("{then}", then)
    program.write_text(text)
    program.chmod(0o755)


def test_a_plugin_is_told_to_every_run_and_ends_in_order_with_the_command(project: Path) -> None:
    plugin(project, 4711)
    plugins = Plugins(project, os.environ)
    try:
        assert plugins.environment() == plugins.environment() == {VARIABLE: "made:4711"}
    finally:
        plugins.end()
    assert (project / "ended").exists()


@pytest.mark.parametrize(("port", "then"), [("no port", "signal.pause()"), (4711, "sys.stdout.close()")])
def test_a_plugin_that_does_not_serve_is_left_to_the_engine(project: Path, port: object, then: str) -> None:
    plugin(project, port, then)
    plugins = Plugins(project, os.environ)
    try:
        for process in plugins._started.values():
            if then != "signal.pause()":
                process.wait(15)
        assert plugins.environment() == {}
    finally:
        plugins.end()


def test_one_that_no_engine_was_told_of_is_ended_though_it_does_not_listen(project: Path) -> None:
    plugin(project, 4711, "signal.signal(signal.SIGINT, signal.SIG_IGN)\nsignal.pause()")
    plugins = Plugins(project, os.environ)
    [process] = plugins._started.values()
    assert process.stdout is not None
    assert process.stdout.readline() == "4711\n"
    plugins.end()
    assert process.returncode == -signal.SIGKILL


def test_who_debugs_a_provider_of_their_own_keeps_it(project: Path) -> None:
    plugin(project, 4711)
    plugins = Plugins(project, {**os.environ, VARIABLE: "made:1"})
    assert plugins.environment() == {}
    plugins.end()
