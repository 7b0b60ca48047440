"""Ports for servers: never one that a client may be given meanwhile."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from toolchain import ports


def test_they_differ_and_lie_where_the_system_gives_none_to_clients() -> None:
    found = ports.free_ports(200)
    assert len(set(found)) == 200
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(found) < max(first, 20001)


def test_one_that_is_taken_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind((ports.LOOPBACK, ports.free_port()))
        port = taken.getsockname()[1]
        drawn = iter([port - 20000, port - 20000, port - 20001])
        monkeypatch.setattr("secrets.randbelow", lambda _below: next(drawn))
        assert ports.free_port() == port - 1


@pytest.mark.parametrize("text", ["1024 65535", "what"])
def test_where_all_are_for_clients_the_system_chooses(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "range").write_text(text)
    monkeypatch.setattr(ports, "_RANGE", tmp_path / "range")
    assert 1024 < ports.free_port() < 65536
