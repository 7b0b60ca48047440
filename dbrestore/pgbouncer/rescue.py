"""The guard process itself: ``python -m dbrestore.pgbouncer.rescue``, started by ``guard.Guard`` only.

Reads its orders from stdin, answers "ready", and ends at "done". At the end of stdin, or when the swap
takes longer than it may, it removes what the swap left lying, RELOADs if config files may have
changed, and RESUMEs every process.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from contextlib import suppress

from dbrestore.pgbouncer.fleet import Fleet
from dbrestore.pgbouncer.guard import RESCUE_SECONDS

_SETTLE_SECONDS = 1.0


class Pipe:
    """Lines from a file descriptor, with a deadline and nothing read ahead and lost."""

    def __init__(self, handle: int) -> None:
        self._handle, self._read = handle, b""

    def line(self, deadline: float) -> str | None:
        """The next line, or None at the end of the pipe or when ``deadline`` (monotonic) has passed."""
        while b"\n" not in self._read:
            readable, _, _ = select.select([self._handle], [], [], max(0.0, deadline - time.monotonic()))
            more = os.read(self._handle, 65536) if readable else b""
            if not more:
                return None
            self._read += more
        line, self._read = self._read.split(b"\n", 1)
        return line.decode()


def watch(pipe: Pipe, deadline: float) -> tuple[bool, bool]:
    """Wait for the swap's end: whether it is done, and whether it had begun to change files."""
    writing = False
    while (line := pipe.line(deadline)) is not None:
        if line == "done":
            return True, writing
        writing = writing or line == "writing"
    return False, writing


def main() -> int:
    """0 when there was nothing to do or all of it was done."""
    for unwelcome in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(unwelcome, signal.SIG_IGN)  # whoever ends the swap by these must not end its guard
    pipe = Pipe(sys.stdin.fileno())
    orders = json.loads(pipe.line(time.monotonic() + RESCUE_SECONDS) or "{}")
    if not orders:
        return 1
    fleet = Fleet(orders["admins"], orders["database"])
    fleet.open()
    print("ready", flush=True)
    done, writing = watch(pipe, time.monotonic() + orders["seconds"])
    if done:
        return 0
    for path in orders["discard"]:
        with suppress(OSError):
            os.unlink(path)
    return 1 if fleet.release(RESCUE_SECONDS, _SETTLE_SECONDS, reload=writing) else 0


if __name__ == "__main__":
    sys.exit(main())
