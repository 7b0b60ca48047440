"""The guard of a swap: a process of its own that RESUMEs pgbouncer if we die between PAUSE and RESUME.

We hold a pipe to it. The kernel closes the pipe whatever ends us, SIGKILL too, and then the guard acts
(``dbrestore.pgbouncer.rescue``). Secrets go through the pipe, never through arguments.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from problem import Problem

_READY_SECONDS = 20.0
RESCUE_SECONDS = 15.0
"""How long the guard tries to reach a process that does not answer."""


@dataclass(frozen=True)
class Orders:
    """What the guard must know before the first PAUSE."""

    admins: tuple[str, ...]
    database: str
    seconds: float
    """After this long without "done" it acts even though we live."""
    discard: tuple[str, ...]
    """Files that a killed swap would leave lying."""


class Guard:
    """Context manager; without ``done`` before its end, the guard resumes everything."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dbrestore.pgbouncer.rescue"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )
        try:
            self._say(json.dumps(asdict(self._orders)))
            self._await_ready()
        except BaseException:
            self._end()
            raise
        return self

    def writing(self) -> None:
        """Say that config files change from now on: a rescue has to RELOAD too."""
        self._say("writing")

    def done(self) -> None:
        """Say that nothing is paused any more."""
        with suppress(Problem):
            self._say("done")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _say(self, line: str) -> None:
        pipe = self._process.stdin
        try:
            if pipe is not None:
                pipe.write(line.encode() + b"\n")
                pipe.flush()
        except OSError as error:
            raise _guard_failed("it ended") from error

    def _await_ready(self) -> None:
        pipe = self._process.stdout
        readable = pipe is not None and select.select([pipe], [], [], _READY_SECONDS)[0]
        if pipe is None or not readable or pipe.readline() != b"ready\n":
            raise _guard_failed("it did not get ready")

    def _end(self) -> None:
        """Close the pipe and wait for the guard; one that has to rescue takes its time, but has an end."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(RESCUE_SECONDS + 10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _guard_failed(why: str) -> Problem:
    what = f"The guard that would resume pgbouncer after a crash does not work: {why}."
    return Problem(
        "swap-guard", what, "No client was paused by us. Run the same command again; see `reforge doctor`."
    )
