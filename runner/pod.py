"""One piece of work within a pod: told by arguments and environment, ended by a message and an exit code."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from dbrestore.handler import Context
from dbrestore.jobs.manifest import FORMAT, TEMPORARY
from dbrestore.jobs.results import told, told_problem
from problem import Misuse, Problem

INDEX = "JOB_COMPLETION_INDEX"
"""Set by Kubernetes in the pods of an Indexed Job."""
SAID_SECONDS = 2.0
"""So often at most a line of progress goes into the log."""
_MAY_PASS = {
    "database-unreachable", "interrupted", "load-failed", "load-no-entry", "load-still-running",
    "storage-unreachable",
}  # fmt: skip
"""Problems that another try may not meet."""


class Log:
    """The pod's log: lines for people, and a result that is too large for a message."""

    def __init__(self) -> None:
        self._told, self._phase = 0.0, ""

    def progress(self, line: str) -> None:
        """One of many lines, of which not all need be there; the first of each phase is."""
        phase = re.split(r"\d", line, maxsplit=1)[0]
        if phase != self._phase or time.monotonic() - self._told >= SAID_SECONDS:
            self._told, self._phase = time.monotonic(), phase
            self.say(line)

    def say(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def main(words: Sequence[str]) -> int:
    """Do what the words say; the exit code tells Kubernetes whether another try may help."""
    log, cancelled = Log(), threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        cancelled.set()

    signal.signal(signal.SIGTERM, stop)
    context = Context("", log.progress, cancelled, log.say)
    try:
        text, code = told(_work(words, os.environ, context), log.say), 0
    except Problem as problem:
        log.say(problem.message)
        text, code = told_problem(problem), TEMPORARY if problem.name in _MAY_PASS else problem.exit_code
    if place := os.environ.get("REFORGE_RESULT"):
        Path(place).write_text(text)
    return code


def _work(words: Sequence[str], known: Mapping[str, str], context: Context) -> Mapping[str, Any]:
    """Each kind of work imports what it needs, and no more."""
    if (format_told := known.get("REFORGE_FORMAT")) != FORMAT:
        what = f"The pod's image takes orders of the format {FORMAT}, and this one has {format_told}."
        raise Problem("runner-image-old", what, _OTHER_IMAGE)
    index = int(known.get(INDEX, "0"))
    match words:
        case ["load", step]:
            from runner.loads import load

            return load(step, known, index, context)
        case ["validate"]:
            from runner.validations import validate

            return validate(known, index, context)
    raise Misuse(
        "runner-unknown-work", f"This image does not know the work {' '.join(words)!r}.", _OTHER_IMAGE
    )


_OTHER_IMAGE = "Build the image from the same commit that you run Reforge of."
