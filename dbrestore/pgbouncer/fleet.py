"""All processes of one pooled deployment: what they say of a database, and commands to all of them."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dbrestore.pgbouncer.console import Answer, Console, Row, ask, identifier
from dbrestore.pgbouncer.inifile import Address
from problem import Problem

_SHOW_SECONDS = 5.0
_LISTENS = "0A"
"""TCP_LISTEN."""


class StepFailed(Exception):
    """A step did not succeed on a process."""

    def __init__(self, step: str, console: Console, answer: Answer) -> None:
        super().__init__(f"{step} on pgbouncer {console.place}: {answer.error}")
        self.step, self.console, self.answer = step, console, answer


@dataclass(frozen=True)
class Shown:
    """A line of SHOW DATABASES."""

    address: Address
    paused: bool


class Fleet:
    """The admin consoles of every process that serves ``database``.

    PAUSE has connections of its own, because one that waits takes no other command.
    """

    def __init__(self, admins: Sequence[str], database: str) -> None:
        self.database = database
        self.consoles = [Console(url) for url in admins]
        self._pausers = [Console(url) for url in admins]

    def open(self) -> None:
        """Connect to every process, so that no time is lost to it later."""
        for console in (*self.consoles, *self._pausers):
            console.open()

    def close(self) -> None:
        for console in (*self.consoles, *self._pausers):
            console.close()

    def pause(self, timeout: float, cancelled: threading.Event) -> None:
        """PAUSE everywhere at once; StepFailed when a client holds its server longer than ``timeout``."""
        try:
            self._everywhere(f"PAUSE {identifier(self.database)}", timeout, self._pausers, cancelled)
        except StepFailed as error:
            if not (cancelled.is_set() and error.answer.late):
                raise
            what = f"Interrupted while the clients of {self.database} were being held."
            raise Problem("interrupted", what, "Run the same command again.") from None

    def reload(self, timeout: float) -> None:
        """RELOAD everywhere. It succeeds on a broken file too: look at ``shown`` after it."""
        self._everywhere("RELOAD", timeout, self.consoles)

    def resume(self, timeout: float) -> None:
        self._everywhere(f"RESUME {identifier(self.database)}", timeout, self.consoles)

    def shown(self) -> dict[Console, Shown]:
        """What each process says of the database; Problem "route-unknown" where one does not have it."""
        answers = self._everywhere("SHOW DATABASES", _SHOW_SECONDS, self.consoles)
        return {console: self._line(console, answer.rows) for console, answer in answers.items()}

    def conffiles(self) -> list[Path]:
        """Each process's config file, by its own word; Problem "config-elsewhere" if not on this machine."""
        return [_conffile(console, config) for console, config in self._configs().items()]

    def beside(self) -> str:
        """Which other processes may serve the same clients, in words; empty where none do as far as we see.

        With so_reuseport several listen on one port, and the kernel chooses which of them takes a connection.
        """
        configs = self._configs().items()
        sharing = [(console, config["listen_port"]) for console, config in configs if _shares(config)]
        for console, port in sharing:
            there, known = listeners(int(port or 0)), sum(other == port for _, other in sharing)
            if there > known or not (console.by_socket or there == 1):
                count = f"{there} processes listen" if there else "several processes may listen"
                return f"With so_reuseport {count} on port {port}; `admin` may not name them all."
        return ""

    def encryption(self) -> list[dict[str, str]]:
        """What each process insists on towards servers, as libpq's parameters; nothing where it does not.

        Certificates of an authority that we may not read are left out: pgbouncer's own eyes are better.
        """
        return [_encryption(config) for config in self._configs().values()]

    def _configs(self) -> dict[Console, dict[str, str | None]]:
        answers = self._everywhere("SHOW CONFIG", _SHOW_SECONDS, self.consoles)
        return {
            console: {str(row["key"]): row["value"] for row in answer.rows}
            for console, answer in answers.items()
        }

    def holders(self, console: Console) -> list[str]:
        """Clients that keep a server of the database busy, and so a PAUSE waiting."""
        fresh = Console(console.url)
        try:
            answer = ask([fresh], "SHOW CLIENTS", _SHOW_SECONDS)[fresh]
        finally:
            fresh.close()
        ours = (row for row in answer.rows if row["database"] == self.database and row.get("link"))
        return [_client(row) for row in ours]

    def release(self, timeout: float, settle: float, reload: bool = False) -> dict[str, str]:
        """RESUME every process, whatever it takes; place -> why, for those that could not be resumed.

        A PAUSE sent just before may still lie unread in a process's socket, so what is shown is
        watched for ``settle`` seconds.
        """
        for pauser in self._pausers:
            pauser.close()
        start = time.monotonic()
        unread = set(self.consoles if reload else ())
        while True:
            errors = {console: self._released(console, unread) for console in self.consoles}
            failed = {console.place: why for console, why in errors.items() if why}
            if time.monotonic() - start >= (timeout if failed else settle):
                return failed
            time.sleep(0.05)

    def _released(self, console: Console, unread: set[Console]) -> str:
        """Why ``console``'s process is not known to serve the database; empty if it is."""
        if console in unread:
            if why := ask([console], "RELOAD", _SHOW_SECONDS)[console].error:
                return why
            unread.remove(console)
        ask([console], f"RESUME {identifier(self.database)}", _SHOW_SECONDS)
        answer = ask([console], "SHOW DATABASES", _SHOW_SECONDS)[console]
        paused = any(row["name"] == self.database and row["paused"] == "1" for row in answer.rows)
        return answer.error or ("still paused" if paused else "")

    def _everywhere(
        self, command: str, timeout: float, through: list[Console], cancelled: threading.Event | None = None
    ) -> dict[Console, Answer]:
        answers = ask(through, command, timeout, cancelled)
        failed = [(console, answer) for console, answer in answers.items() if answer.error]
        if failed:
            console, answer = min(failed, key=lambda pair: pair[1].late)
            raise StepFailed(command, console, answer)
        return answers

    def _line(self, console: Console, rows: Sequence[Row]) -> Shown:
        for row in rows:
            if row["name"] == self.database:
                dbname = row["database"] or self.database
                address = Address(row["host"], int(row["port"] or 5432), dbname)
                return Shown(address, row["paused"] == "1")
        known = ", ".join(sorted(str(row["name"]) for row in rows if row["name"] != "pgbouncer")) or "none"
        what = f"pgbouncer at {console.place} has no database {self.database}; it has {known}."
        raise Problem("route-unknown", what, f"Add {self.database} = host=... port=... to its [databases].")


def listeners(port: int) -> int:
    """Processes of this machine that listen on a TCP port at one address (proc(5), /proc/net/tcp)."""
    found: Counter[str] = Counter()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            _, local, _, state, *_ = line.split()
            if state == _LISTENS and int(local.rpartition(":")[2], 16) == port:
                found[local] += 1
    return max(found.values(), default=0)


def _shares(config: Mapping[str, str | None]) -> bool:
    return config.get("so_reuseport") == "1"


def _encryption(config: Mapping[str, str | None]) -> dict[str, str]:
    mode, authority = config.get("server_tls_sslmode") or "", config.get("server_tls_ca_file") or ""
    if mode.startswith("verify-") and os.access(authority, os.R_OK):
        return {"sslmode": mode, "sslrootcert": authority}
    return {"sslmode": "require"} if mode in ("require", "verify-ca", "verify-full") else {}


def _conffile(console: Console, config: Mapping[str, str | None]) -> Path:
    named = config.get("conffile")
    if named and Path(named).is_file():
        return Path(named)
    what = (
        f"The config file of pgbouncer at {console.place} is not on this machine: {named or 'it has none'}."
    )
    raise Problem("config-elsewhere", what, "Give the files as seen from here in `configFiles`.")


def _client(row: Row) -> str:
    name = row.get("application_name") or "a client without application_name"
    where = f"{row['addr']}:{row['port']}"
    return f"{name} ({row['user']} from {where}, server busy since {row['request_time']})"
