"""TCP ports for the servers that are made here."""

from __future__ import annotations

import secrets
import socket
from contextlib import ExitStack
from pathlib import Path

LOOPBACK = "127.0.0.1"
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST, _TRIES = 20000, 100


def free_port(host: str = LOOPBACK) -> int:
    """A port that nothing uses now, and that the system gives to no client either."""
    return free_ports(1, host)[0]


def free_ports(count: int, host: str = LOOPBACK) -> list[int]:
    """So many different ones.

    They lie below the ephemeral ports (ip(7), ip_local_port_range): one of those may be a client's by the
    time that its server starts, or starts again.
    """
    with ExitStack() as stack:
        return [int(stack.enter_context(_bound(host)).getsockname()[1]) for _ in range(count)]


def _bound(host: str) -> socket.socket:
    below = _first_ephemeral() - _LOWEST
    for port in (_LOWEST + secrets.randbelow(below) for _ in range(_TRIES if below > 0 else 0)):
        probe = socket.socket()
        try:
            probe.bind((host, port))
        except OSError:
            probe.close()
        else:
            return probe
    probe = socket.socket()
    probe.bind((host, 0))  # the system's own choice
    return probe


def _first_ephemeral() -> int:
    try:
        return int(_RANGE.read_text().split()[0])
    except (OSError, ValueError):
        return 0
