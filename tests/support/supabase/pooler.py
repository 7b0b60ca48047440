"""A pooler like Supavisor as far as addresses go: ROLE.REF at it is ROLE in the database of project REF."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from typing import Any

_SSL, _CANCEL = 80877103, 80877102
Admits = Callable[[str], bool]


class Pooler(socketserver.ThreadingTCPServer):
    """Listens on loopback and passes everything on, but for the names in the startup message.

    ``admits`` says whether a project lets anybody in.
    """

    allow_reuse_address, daemon_threads = True, True

    def __init__(self, server_port: int, admits: Admits) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.server_port, self.admits = server_port, admits
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Session(socketserver.BaseRequestHandler):
    server: Pooler

    def handle(self) -> None:
        client: socket.socket = self.request
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.server.server_port)) as far,
        ):
            if startup := self._startup(client):
                far.sendall(startup)
                _both_ways(client, far)

    def _startup(self, client: socket.socket) -> bytes:
        while True:
            head = _exactly(client, 8)
            if len(head) < 8:
                return b""
            length, code = struct.unpack("!II", head)
            rest = _exactly(client, length - 8)
            if code == _SSL:
                client.sendall(b"N")
            elif code == _CANCEL:
                return head + rest
            else:
                return self._renamed(client, code, rest)

    def _renamed(self, client: socket.socket, code: int, rest: bytes) -> bytes:
        words = [word.decode() for word in rest.rstrip(b"\0").split(b"\0")]
        known = dict(zip(words[::2], words[1::2], strict=True))
        role, _, ref = known["user"].rpartition(".")
        if not self.server.admits(ref):
            client.sendall(_error("Tenant or user not found"))
            return b""
        known |= {"user": role, "database": ref}
        body = b"".join(f"{name}\0{value}\0".encode() for name, value in known.items()) + b"\0"
        return struct.pack("!II", len(body) + 8, code) + body


def _error(text: str) -> bytes:
    body = f"SFATAL\0C28000\0M{text}\0\0".encode()
    return b"E" + struct.pack("!I", len(body) + 4) + body


def _exactly(client: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count and (piece := client.recv(count - len(found))):
        found += piece
    return found


def _both_ways(one: socket.socket, other: socket.socket) -> None:
    back = threading.Thread(target=_pass_on, args=(other, one))
    back.start()
    _pass_on(one, other)
    back.join()


def _pass_on(source: Any, target: Any) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            target.sendall(block)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
