"""One PostgreSQL server of ours: started, asked, stopped. Nothing here knows of recovery."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from dbrestore.postgres import sessions
from problem import Problem, Refusal
from toolchain.accounts import Account, popen_as
from toolchain.postgres import Binaries

SOCKET_LIMIT = 107
"""Bytes of a unix socket's path (unix(7), sun_path)."""
START_SECONDS = 60
_BUSY = "did not start in time"
_SILENT = "It ended before it wrote a word: killed, as the system's log may tell. Run the same command again."
STOP_SECONDS = 60
_NO_ROOM = 1024**2
"""Bytes free with which no server goes on: it may need a WAL segment of 16 times as many at once."""


class Unanswered(Problem):
    """The server takes no connection, or has broken one off: it starts, stops or is gone."""


@dataclass(frozen=True)
class Cluster:
    """A data directory with the programs, the account and the port that it runs with."""

    directory: Path
    binaries: Binaries
    account: Account | None
    port: int
    socket_directory: Path
    user: str
    """A role that may log in through the private socket."""

    @property
    def log(self) -> Path:
        return self.directory / "reforge-server.log"

    @property
    def running(self) -> bool:
        """Whether a postmaster of this data directory lives."""
        return self.postmaster is not None

    @property
    def postmaster(self) -> int | None:
        """Process id of the live postmaster."""
        try:
            pid = int((self.directory / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        return pid if _works_in(pid, self.directory) else None

    def start(self) -> None:
        """Start the server; it may still be in recovery. Whoever waits looks at ``running`` and the log.

        Problem ``start-failed`` with the server's words where it ends at once.
        """
        self._socket_folder()
        if self.running:
            return
        # pg_ctl notices a server that ends, and gives one up to us that is still busy after a second.
        ran = self._pg_ctl("start", "--timeout", "1", "--log", str(self.log))
        deadline = time.monotonic() + START_SECONDS
        while not self.running:
            if (ran.returncode and _BUSY not in ran.stderr) or time.monotonic() > deadline:
                what = f"PostgreSQL could not be started in {self.directory}."
                raise Problem("start-failed", what, self.complaint() or _SILENT)
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server; clients are disconnected. Already stopped is not an error."""
        for mode in ("fast", "immediate"):
            if not self.running:
                break
            self._pg_ctl("stop", "--mode", mode, "--no-wait")  # its own look comes ten times a second
            deadline = time.monotonic() + STOP_SECONDS
            while self.running and time.monotonic() < deadline:
                time.sleep(0.02)
        if self.running:
            raise Problem("stop-failed", f"The server of {self.directory} does not stop.", self.complaint())
        if self.socket_directory != self.directory:
            shutil.rmtree(self.socket_directory, ignore_errors=True)

    def reload(self) -> None:
        """Have the running server read its configuration again."""
        ran = self._pg_ctl("reload")
        if ran.returncode:
            said = ran.stderr.strip() or ran.stdout.strip()
            what = (
                f"The server of {self.directory} does not reload (pg_ctl ended with {ran.returncode}): {said}"
            )
            raise Problem("reload-failed", what)

    @contextlib.contextmanager
    def connect(
        self, database: str = sessions.MAINTENANCE, user: str = ""
    ) -> Iterator[psycopg.Connection[Any]]:
        """A connection through the private socket, in autocommit.

        ``Unanswered`` where the server takes none, Problem ``server-refused`` for what it says no to.
        """
        try:
            with sessions.connect(
                self.socket_directory, self.port, database, user or self.user
            ) as connection:
                yield connection
        except psycopg.OperationalError as error:
            raise Unanswered("server-unanswered", f"{self.directory}: {error!r}", self.complaint()) from error
        except psycopg.Error as error:
            raise Problem("server-refused", f"{self.directory}: {error}", self.complaint()) from error

    def complaint(self) -> str:
        """The last words of the server's log that matter: its errors, else its last lines."""
        lines = self._last_lines()
        serious = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "ERROR"))]
        return "The server said:\n" + "\n".join((serious or lines)[-5:]) if lines else ""

    @property
    def recovered(self) -> bool:
        """Whether the server got as far as its recovery, by its log."""
        return any("recovery" in line for line in self._last_lines())

    @property
    def out_of_space(self) -> bool:
        """Whether its file system is full, by its own figures or by the server's log."""
        figures = os.statvfs(self.directory)
        full = figures.f_bavail * figures.f_frsize < _NO_ROOM
        return full or any(os.strerror(errno.ENOSPC) in line for line in self._last_lines())

    def _last_lines(self) -> list[str]:
        try:
            return self.log.read_text(errors="replace").splitlines()[-200:]
        except FileNotFoundError:
            return []

    def _pg_ctl(self, action: str, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.binaries.tool("pg_ctl")), action, "-D", str(self.directory), *words]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
            start_new_session=True,
            **popen_as(self.account),
        )

    def _socket_folder(self) -> None:
        folder, ours = self.socket_directory, {os.geteuid(), self.account.uid if self.account else None}
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in ours:  # anybody can make one in /tmp
            what = f"{folder}, where the private socket goes, exists and was not made by Reforge."
            raise Refusal("not-ours", what, "Look at it, then move it away.")
        if self.account:
            os.chown(folder, self.account.uid, self.account.gid, follow_symlinks=False)


def socket_directory(directory: Path) -> Path:
    """Where the private socket lies: the data directory, or a short folder where that path is too long."""
    if len(os.fsencode(directory / ".s.PGSQL.65535.lock")) <= SOCKET_LIMIT:
        return directory
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"reforge-{digest}"


def in_use(host: str, port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def _works_in(pid: int, directory: Path) -> bool:
    """Whether the process is alive and its working directory is this one, as a postmaster's is."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve() == directory.resolve() and _state(pid) != "Z"
    except OSError:
        return False


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
