"""pgbouncer's admin console, one connection: commands to several processes at once, time-boxed.

The console knows the simple query protocol only (https://www.pgbouncer.org/usage.html, "Admin console"),
hence libpq's own send and receive instead of a cursor; it also lets one thread wait for all processes.
"""

from __future__ import annotations

import selectors
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from problem import Misuse, Problem

Row = dict[str, str | None]

CONNECT_SECONDS = 5


@dataclass(frozen=True)
class Answer:
    """What a process said to a command: rows, or why there are none."""

    rows: tuple[Row, ...] = ()
    error: str = ""
    late: bool = False
    """No answer came within the time allowed."""


class Console:
    """A connection to one process, opened when first needed and again after it broke."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._conninfo = _conninfo(url)
        self._connection: psycopg.Connection[Any] | None = None
        self._busy = False

    @property
    def place(self) -> str:
        """host:port, for messages; the URL itself may hold a password."""
        known = conninfo_to_dict(self._conninfo)
        return f"{known.get('host') or known.get('hostaddr') or 'local socket'}:{known.get('port', 6432)}"

    @property
    def by_socket(self) -> bool:
        """Whether it is reached by a unix socket, which no other process has."""
        return str(conninfo_to_dict(self._conninfo).get("host") or "/").startswith("/")

    def open(self) -> None:
        """Connect, unless connected and idle. Problem "pgbouncer-unreachable" or "pgbouncer-login"."""
        if self._connection is not None and not self._busy and not self._connection.broken:
            return
        self.close()
        try:
            self._connection = psycopg.connect(
                self._conninfo, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="reforge"
            )
        except psycopg.Error as error:
            raise self._refused(error) from error

    def close(self) -> None:
        """Disconnect. A PAUSE that still waits stays in force: RESUME by another connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._busy = None, False

    def fileno(self) -> int:
        return self._pg.socket

    def send(self, command: str) -> None:
        """Send a command without waiting for its answer."""
        self.open()
        self._busy = True
        self._pg.send_query(command.encode())
        self._pg.flush()

    def receive(self) -> Answer | None:
        """The answer to what was sent, or None while it is not all there; does not block."""
        self._pg.consume_input()
        if self._pg.is_busy():
            return None
        answer = Answer()
        while (result := self._pg.get_result()) is not None:
            answer = _answer(result)
        self._busy = False
        return answer

    @property
    def _pg(self) -> pq.abc.PGconn:
        if self._connection is None:
            raise psycopg.OperationalError("the connection is closed")
        return self._connection.pgconn

    def _refused(self, error: psycopg.Error) -> Problem:
        why = _one_line(error)
        what = f"The admin console of pgbouncer at {self.place} does not let us in: {why}"
        if "refused" in why or "No such file" in why or "timeout" in why:
            return Problem("pgbouncer-unreachable", what, "Start that pgbouncer, or take it out of `admin`.")
        return Problem(
            "pgbouncer-login", what, "Correct user and password in `admin`; see admin_users in its ini."
        )


def ask(
    consoles: Iterable[Console], command: str, timeout: float, cancelled: threading.Event | None = None
) -> dict[Console, Answer]:
    """Send ``command`` to all processes at once and wait at most ``timeout`` seconds for all of them.

    Waits no longer than the first error: the others are then late, and their connections are renewed
    before they are used again.
    """
    answers: dict[Console, Answer] = {}
    deadline = time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        for console in consoles:
            answers[console] = Answer(error=f"no answer within {timeout:g} s", late=True)
            try:
                console.send(command)
                selector.register(console, selectors.EVENT_READ, console)
            except (psycopg.Error, Problem) as error:
                answers[console] = Answer(error=_one_line(error))
        while selector.get_map() and not _failed(answers):
            left = deadline - time.monotonic()
            if left <= 0 or (cancelled is not None and cancelled.is_set()):
                break
            for key, _ in selector.select(min(left, 0.1)):
                if (answer := _received(key.data)) is not None:
                    selector.unregister(key.fileobj)
                    answers[key.data] = answer
    return answers


def _failed(answers: dict[Console, Answer]) -> bool:
    return any(answer.error and not answer.late for answer in answers.values())


def _received(console: Console) -> Answer | None:
    try:
        return console.receive()
    except psycopg.Error as error:
        with suppress(psycopg.Error):
            console.close()
        return Answer(error=_one_line(error))


def _answer(result: pq.abc.PGresult) -> Answer:
    if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
        message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message
        return Answer(error=message.decode(errors="replace").strip() or "the connection was lost")
    names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
    return Answer(tuple(_row(result, names, number) for number in range(result.ntuples)))


def _row(result: pq.abc.PGresult, names: list[str], number: int) -> Row:
    values = (result.get_value(number, column) for column in range(len(names)))
    return {
        name: None if v is None else v.decode(errors="replace") for name, v in zip(names, values, strict=True)
    }


def _one_line(error: Exception) -> str:
    return error.what if isinstance(error, Problem) else " ".join(str(error).split())


def _conninfo(url: str) -> str:
    """libpq's own message would repeat the URL, password and all."""
    try:
        known = conninfo_to_dict(url)
    except psycopg.Error:
        what = "An admin URL of pgbouncer is not a connection string."
        raise Misuse("pgbouncer-url", what, "Write postgresql://admin:...@127.0.0.1:6432/pgbouncer") from None
    return make_conninfo(url, dbname=known.get("dbname") or "pgbouncer")


def identifier(name: str) -> str:
    """A database's name as the console's commands take it."""
    return f'"{name}"'
