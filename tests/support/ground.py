"""What every functional test stands on: ports, folders and processes of the servers' account."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from toolchain.accounts import Account, ProcessIdentity, popen_as, server_account
from toolchain.ports import free_port as free_port


def wait_until(condition: Callable[[], Any], deadline: float = 15.0, what: str = "the condition") -> Any:
    """The first true value of ``condition``; AssertionError after ``deadline`` seconds."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not come true within {deadline:g} s"
        time.sleep(0.02)
    return value


def account() -> Account | None:
    """Who runs servers that refuse root; None where we are not root."""
    return server_account()


def as_account() -> ProcessIdentity:
    """Keyword arguments of subprocess that start a program as ``account()``."""
    return popen_as(server_account())


def give(path: Path) -> Path:
    """Hand a file or folder to the account of the servers."""
    if (who := account()) is not None:
        os.chown(path, who.uid, who.gid)
    return path


def folder(path: Path) -> Path:
    """Make a folder of the servers' account."""
    path.mkdir(parents=True, exist_ok=True)
    return give(path)


@contextmanager
def scratch(prefix: str = "reforge-test-") -> Iterator[Path]:
    """A folder that the servers' account owns and can reach, removed afterwards."""
    path = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    path.chmod(0o755)
    try:
        yield give(path)
    finally:
        shutil.rmtree(path)


def run(command: list[str]) -> str:
    """Run a program as the servers' account to its end; its output; AssertionError where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **as_account())
    assert done.returncode == 0, f"{command[0]} failed: {done.stdout}{done.stderr}"
    return done.stdout


def accepts(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5, autocommit=True, prepare_threshold=None).close()
    except psycopg.OperationalError:
        return False
    return True


class Server:
    """A child process with a log in its folder; stopped on exit, however the test ended."""

    process: subprocess.Popen[bytes] | None = None

    def __init__(self, directory: Path) -> None:
        self.directory = folder(directory)
        self.log = directory / "log"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        raise NotImplementedError

    def stop(self, signal: int = 15) -> None:
        """End the server with ``signal``; SIGKILL after 15 s. Already stopped is fine."""
        if self.process is None:
            return
        self.process.send_signal(signal)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def _launch(
        self, command: list[str], ready: Callable[[], Any], deadline: float = 15.0, **options: Any
    ) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory, **options
            )
        process = self.process
        wait_until(lambda: process.poll() is not None or ready(), deadline, f"{command[0]} being ready")
        assert process.poll() is None, f"{command[0]} ended: {self.log.read_text()}"
