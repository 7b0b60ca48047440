"""Programs that a check starts beside the database, and of which nothing may be left afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import Field

from problem import Problem
from validation.values import Part

_GRACE = 5.0  # seconds from SIGTERM to SIGKILL
_POLL = 0.02  # seconds
_TAIL = 5  # lines of a log that a complaint quotes


class Program(Part):
    """How a program is started: a list of arguments (no shell), with the database's URL in its environment.

    Relative paths count from the folder that the suite is run in.
    """

    command: list[str] = Field(min_length=1)
    url_variable: str = "DATABASE_URL"
    directory: Path | None = None
    environment: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True)
class Running:
    """A program that was started, with everything that it wrote to stdout and stderr."""

    process: subprocess.Popen[bytes]
    output: IO[bytes]

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: ended by that signal."""
        return self.process.poll()

    @property
    def log(self) -> list[str]:
        """The lines that it has written so far."""
        size = os.fstat(self.output.fileno()).st_size
        return os.pread(self.output.fileno(), size, 0).decode(errors="replace").splitlines()

    def ended(self) -> str:
        """How it ended and its last lines, for a complaint."""
        return f"exit code {self.exit_code}; its last lines: {' | '.join(self.log[-_TAIL:]) or '(none)'}"


@contextmanager
def running(program: Program, url: str, **more: str) -> Iterator[Running]:
    """Runs ``program`` on the database ``url`` during the block; ``more`` goes to its environment.

    Raises Problem("program-not-started"). Afterwards its whole process group is gone.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    environment = ours | program.environment | more | {program.url_variable: url}
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                program.command,
                env=environment,
                cwd=program.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise Problem(
                "program-not-started",
                f"{program.command[0]} could not be started: {error.strerror or error}",
                "Check `command` and `directory` in the suite.",
            ) from error
        try:
            yield Running(process, output)
        finally:
            _end(process)


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether ``condition`` came true within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL)
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the process group that ``process`` leads, politely first."""
    _signal(process, signal.SIGTERM)
    wait_for(lambda: process.poll() is not None and not _alive(process), _GRACE)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _alive(process: subprocess.Popen[bytes]) -> bool:
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True
