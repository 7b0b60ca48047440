"""A line to the API server that can be cut: a TCP relay on loopback."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Line(socketserver.ThreadingTCPServer):
    """While ``cut`` is set, a connection is closed as soon as it is made; ``refused`` counts those."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Relay)
        self.beyond, self.cut, self.refused = port, threading.Event(), 0
        self.enough = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Relay(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        line: Any = self.server
        if line.cut.is_set():
            line.refused += 1
            if line.refused >= 3:
                line.enough.set()
            return
        with socket.create_connection(("127.0.0.1", line.beyond)) as there:
            back = threading.Thread(target=_pump, args=(there, self.request))
            back.start()
            _pump(self.request, there)
            back.join()


def _pump(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            to.sendall(data)
    with suppress(OSError):
        to.shutdown(socket.SHUT_WR)


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    with Line(port) as line:
        thread = threading.Thread(target=line.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield line
        finally:
            line.shutdown()
            thread.join()
