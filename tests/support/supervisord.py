"""A real supervisord for functional tests, and XML-RPC over its socket."""

from __future__ import annotations

import http.client
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy, Transport

from tests.support.ground import Server

Programs = Mapping[str, Mapping[str, tuple[str, int]]]
"""group -> program -> (command line, number of processes)"""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        try:
            self.sock.connect(str(self.path))
        except OSError:
            self.sock.close()
            raise


class UnixTransport(Transport):
    """XML-RPC over a unix socket: ``ServerProxy("http://localhost", UnixTransport(path))``."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        if not self._connection[1]:
            self._connection = host, _UnixConnection(self.path)
        return self._connection[1]


class Supervisord(Server):
    """The supervisord of our environment, with XML-RPC on a socket in its folder."""

    def __init__(self, directory: Path, programs: Programs, startsecs: int = 0) -> None:
        super().__init__(directory)
        self.socket, self.programs, self.startsecs = directory / "supervisor.sock", programs, startsecs

    @property
    def server_url(self) -> str:
        return f"unix://{self.socket}"

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the ``supervisor`` namespace of its XML-RPC interface."""
        with ServerProxy("http://localhost", UnixTransport(self.socket)) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def states(self, group: str) -> dict[str, str]:
        """Process name -> state name ("RUNNING", "STOPPED", ...) of one group."""
        found = self.call("getAllProcessInfo")
        return {info["name"]: info["statename"] for info in found if info["group"] == group}

    def start(self) -> None:
        conf = self.directory / "supervisord.conf"
        conf.write_text(self._configuration())
        command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(conf)]
        self._launch(command, self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self.call("getState")["statename"] == "RUNNING")
        except OSError:
            return False

    def _configuration(self) -> str:
        here = self.directory
        user = "user=root\n" if os.geteuid() == 0 else ""
        text = f"[unix_http_server]\nfile={self.socket}\n\n[supervisord]\nlogfile={here}/supervisord.log\n"
        text += f"pidfile={here}/supervisord.pid\nchildlogdir={here}\n{user}\n[rpcinterface:supervisor]\n"
        text += "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
        for group, programs in self.programs.items():
            text += f"\n[group:{group}]\nprograms={','.join(programs)}\n"
            for name, (command, count) in programs.items():
                text += f"\n[program:{name}]\ncommand={command}\nnumprocs={count}\n"
                text += f"startsecs={self.startsecs}\nstartretries=2\n"
                text += "process_name=%(program_name)s_%(process_num)02d\nstopwaitsecs=5\n"
        return text
