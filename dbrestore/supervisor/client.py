"""supervisord over XML-RPC (http://supervisord.org/api.html): states, starts, stops, logs."""

from __future__ import annotations

import difflib
import http.client
import xmlrpc.client
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from supervisor.xmlrpc import Faults, SupervisorTransport

from problem import Problem

_SECONDS = 15.0
"""How long supervisord may take for one answer; none of our calls waits for a process."""
_TAIL_BYTES = 2000
ALIVE = frozenset({"RUNNING", "STARTING", "BACKOFF"})
"""The states of a process that runs, or that supervisord goes on trying to run."""


@dataclass(frozen=True)
class Process:
    """One process of a group, as supervisord knows it."""

    name: str
    state: str
    """"STOPPED", "STARTING", "RUNNING", "BACKOFF", "STOPPING", "EXITED", "FATAL" or "UNKNOWN"."""
    pid: int
    note: str
    """Why it could not be spawned, or how it ended; may be empty."""

    @property
    def alive(self) -> bool:
        return self.state in ALIVE

    @property
    def ended(self) -> bool:
        return self.state in ("STOPPED", "EXITED", "FATAL", "UNKNOWN")


class Supervisor:
    """One group of one supervisord."""

    def __init__(self, server: str, group: str, username: str | None, password: str | None) -> None:
        self.server, self.group = server, group
        self._transport = _BoundedTransport(username, password, server)
        self._proxy = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=self._transport)

    def close(self) -> None:
        self._transport.close()

    def processes(self) -> dict[str, Process]:
        """The group's processes by name; Problem "group-unknown" names the groups there are."""
        found = self._call("getAllProcessInfo")
        ours = {info["name"]: _process(info) for info in found if info["group"] == self.group}
        if not ours:
            raise self._unknown({str(info["group"]) for info in found})
        return dict(sorted(ours.items()))

    def stop(self, name: str) -> None:
        """Ask a process to stop, and do not wait. One that does not run is fine."""
        self._call("stopProcess", self._full(name), False, fine=(Faults.NOT_RUNNING,))

    def start(self, name: str) -> str:
        """Start a process, and do not wait; why that failed at once, or nothing."""
        failures = (Faults.NO_FILE, Faults.NOT_EXECUTABLE, Faults.SPAWN_ERROR, Faults.FAILED)
        answer = self._call("startProcess", self._full(name), False, fine=(Faults.ALREADY_STARTED, *failures))
        return (
            answer.faultString
            if isinstance(answer, xmlrpc.client.Fault) and answer.faultCode in failures
            else ""
        )

    def tail(self, name: str) -> str:
        """The last lines that a process wrote to stderr, or to stdout where that is one log."""
        for method in ("readProcessStderrLog", "readProcessStdoutLog"):
            with suppress(Problem):
                if text := str(self._call(method, self._full(name), -_TAIL_BYTES, 0)).strip():
                    return "\n".join(text.splitlines()[-10:])
        return ""

    def command(self, words: str) -> str:
        """What a person types to do something to this group by hand."""
        return f"supervisorctl -s {self.server} {words}"

    def _full(self, name: str) -> str:
        return f"{self.group}:{name}"

    def _call(self, method: str, *arguments: Any, fine: tuple[int, ...] = ()) -> Any:
        """Call a method; a Fault whose code is in ``fine`` is given back instead of raised."""
        try:
            remote: Callable[..., Any] = getattr(self._proxy.supervisor, method)
            return remote(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode in fine:
                return fault
            what = f"supervisord at {self.server} refuses {method} of {self.group}: {fault.faultString}."
            raise Problem("supervisor-refused", what, f"Type: {self.command('status')}") from fault
        except xmlrpc.client.ProtocolError as error:
            what = f"supervisord at {self.server} answers {error.errcode} {error.errmsg}."
            raise Problem("supervisor-login", what, "Correct the writer's username and password.") from error
        except (OSError, http.client.HTTPException) as error:
            what = f"supervisord at {self.server} cannot be reached: {error or type(error).__name__}."
            raise Problem(
                "supervisor-unreachable", what, "Start it, or correct the writer's server."
            ) from error

    def _unknown(self, groups: set[str]) -> Problem:
        near = difflib.get_close_matches(self.group, sorted(groups), 1)
        hint = f"Did you mean {near[0]}?" if near else "Correct the writer's group."
        known = ", ".join(sorted(groups)) or "none"
        what = f"supervisord at {self.server} has no group {self.group}; it has {known}."
        return Problem("group-unknown", what, hint)


class _BoundedTransport(SupervisorTransport):  # type: ignore[misc]
    """supervisor's own transport waits for ever; this one has a limit on every read."""

    _get_connection: Callable[[], http.client.HTTPConnection]

    def __init__(self, username: str | None, password: str | None, server: str) -> None:
        super().__init__(username, password, server)
        unbounded = self._get_connection
        self._get_connection = lambda: _bounded(unbounded())


class _Refused(http.client.HTTPResponse):
    """supervisor's transport drops an answer of refusal unread, and the socket with it."""

    def begin(self) -> None:
        super().begin()
        if self.status != http.client.OK:
            self.read()


def _bounded(connection: http.client.HTTPConnection) -> http.client.HTTPConnection:
    connection.timeout, connection.response_class = _SECONDS, _Refused
    try:
        connection.connect()
    except OSError:
        connection.close()
        raise
    connection.sock.settimeout(_SECONDS)
    return connection


def _process(info: dict[str, Any]) -> Process:
    note = info["spawnerr"] or (info["description"] if info["state"] >= 100 else "")
    return Process(info["name"], info["statename"], int(info["pid"]), str(note))
