"""The plugin as a process: it says its port and nothing else, serves, and ends with its engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2_grpc

from tests.support.servers import wait_until

PLUGIN = Path(__file__).parents[3] / "dbrestore" / "pulumi-resource-dbrestore"
ENGINE = """
import subprocess, sys
command = [sys.argv[1], "-logtostderr", "127.0.0.1:1"]
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as plugin:
    print(plugin.pid, plugin.stdout.readline().strip(), flush=True)
    sys.stdin.read()
"""
"""Starts the plugin as the engine does, and waits to be ended."""

LOOPBACK = "0100007F"
"""127.0.0.1 as the kernel writes it, by itself or at the end of an IPv6 address."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"REFORGE_PYTHON": sys.executable}
    command = [sys.executable, "-c", ENGINE, str(PLUGIN)]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def said(engine: subprocess.Popen[str]) -> tuple[int, int]:
    """The plugin's process id, and the port that it listens on."""
    assert engine.stdout is not None
    pid, port = engine.stdout.readline().split()
    return int(pid), int(port)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_it_serves_on_loopback_under_any_working_directory(engine: subprocess.Popen[str]) -> None:
    _, port = said(engine)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        answer = provider_pb2_grpc.ResourceProviderStub(channel).GetPluginInfo(empty_pb2.Empty(), timeout=10)
    assert answer.version == "0.1.0"
    listening = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    listeners = {line.split()[1] for line in listening.splitlines() if line.split()[3] == "0A"}
    ours = [address for address in listeners if address.endswith(f":{port:04X}")]
    assert ours
    assert all(address.split(":")[0].endswith(LOOPBACK) for address in ours)


def test_it_ends_within_moments_when_its_engine_is_killed(engine: subprocess.Popen[str]) -> None:
    pid, _ = said(engine)
    assert not gone(pid)
    engine.kill()
    engine.wait()
    wait_until(lambda: gone(pid), 3, "the plugin's end")


def test_it_ends_in_order_when_the_engine_says_so(engine: subprocess.Popen[str]) -> None:
    pid, _ = said(engine)
    os.kill(pid, signal.SIGINT)
    wait_until(lambda: gone(pid), 5, "the plugin's end")
