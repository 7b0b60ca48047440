"""The guard of a swap: a process of its own that RESUMEs pgbouncer if we die between PAUSE and RESUME.

We hold a pipe to it. The kernel closes the pipe whatever ends us, SIGKILL too, and then the guard acts
(``dbrestore.pgbouncer.rescue``). Secrets go through the pipe, never through arguments.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dbrestore.pgbouncer.pipe import Pipe
from problem import Problem

_READY_SECONDS, _ANSWER_SECONDS = 20.0, 5.0
RESCUE_SECONDS = 15.0
"""How long the guard tries to reach a process that does not answer."""
_SETTLE_SECONDS = 35.0
"""The longest that it takes to end a promotion before that: to promote, or to lift the fence."""


@dataclass(frozen=True)
class Rescue:
    """What a guard needs to end a promotion that was begun, forwards or backwards."""

    parties: dict[str, Any]
    fence_before: str | None
    commits: tuple[tuple[str, str, str], ...]
    """New content, the file that it belongs in, and the SHA-256 of what that file held."""


@dataclass(frozen=True)
class Orders:
    """What the guard must know before the first PAUSE."""

    admins: tuple[str, ...]
    database: str
    seconds: float
    """After this long without "done" it acts even though we live."""
    discard: tuple[str, ...]
    """Files that a killed swap would leave lying."""
    edits: tuple[tuple[str, str, str], ...] = ()
    """Each config file, its new content, and the content that keeps the old server serving."""
    promotion: Rescue | None = None


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
            self._heard = Pipe(self._process.stdout.fileno() if self._process.stdout else -1)
            self._say(json.dumps(asdict(self._orders)))
            self._await_ready()
        except BaseException:
            self._end()
            raise
        return self

    def writing(self) -> None:
        """Say that config files change from now on: a rescue has to RELOAD too."""
        self.announce("writing")

    def announce(self, step: str) -> None:
        """Say what comes next; returns only while the guard watches, and so knows that it has begun.

        Problem ``swap-overtaken`` where the guard has given us up and acts: then nothing more may be done.
        """
        with suppress(Problem):
            self._say(step)
            if self._answers(step, _ANSWER_SECONDS):
                return
        what = "The guard of the swap has acted already, because we took too long, or it was ended."
        raise Problem("swap-overtaken", what, "Look where clients are now: reforge preview")

    @property
    def killed(self) -> bool:
        """Whether it was ended by a signal, and so acts no more."""
        return (self._process.poll() or 0) < 0

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
        if not self._answers("ready", _READY_SECONDS):
            raise _guard_failed("it did not get ready")

    def _answers(self, word: str, seconds: float) -> bool:
        """Whether it says ``word`` in time; late answers to earlier words are passed over."""
        deadline = time.monotonic() + seconds
        while (line := self._heard.line(deadline)) is not None:
            if line == word:
                return True
        return False

    def _end(self) -> None:
        """Close the pipe and wait for the guard; one that has to rescue takes its time, but has an end."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(RESCUE_SECONDS + 10 + (_SETTLE_SECONDS if self._orders.promotion else 0))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _guard_failed(why: str) -> Problem:
    what = f"The guard that would resume pgbouncer after a crash does not work: {why}."
    return Problem(
        "swap-guard", what, "No client was paused by us. Run the same command again; see `reforge doctor`."
    )
