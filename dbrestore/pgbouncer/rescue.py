"""The guard process itself: ``python -m dbrestore.pgbouncer.rescue``, started by ``guard.Guard`` only.

Reads its orders from stdin, answers "ready", repeats each step that is announced, and ends at "done". At
the end of stdin, or when the swap takes longer than it may, it removes what the swap left lying, RELOADs if
config files may have changed, and RESUMEs every process. A promotion that was begun it first brings to an end
(``dbrestore.pgbouncer.promoted``), so that nobody is sent to a server that takes no writes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from dbrestore import files
from dbrestore.pgbouncer import promoted
from dbrestore.pgbouncer.fleet import Fleet
from dbrestore.pgbouncer.guard import RESCUE_SECONDS
from dbrestore.pgbouncer.inifile import content
from dbrestore.pgbouncer.pipe import Pipe
from problem import Problem

_SETTLE_SECONDS = 1.0


def watch(pipe: Pipe, deadline: float, answer: Callable[[str], None]) -> frozenset[str]:
    """Every step that the swap announces until it is done, dies, or takes too long."""
    said: set[str] = set()
    while "done" not in said and (line := pipe.line(deadline)) is not None:
        said.add(line)
        answer(line)
    return frozenset(said)


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
    _answer("ready")
    said = watch(pipe, time.monotonic() + orders["seconds"], _answer)
    return 0 if "done" in said else rescue(fleet, orders, said)


def rescue(fleet: Fleet, orders: dict[str, Any], said: Collection[str]) -> int:
    """Serve everybody again, at the new server where a promotion got so far; 0 where that succeeded."""
    forward = False
    with suppress(Exception):  # whatever it is, clients are held until they are resumed
        forward = bool(orders["promotion"]) and promoted.settled(orders["promotion"], said)
    for path in orders["discard"]:
        with suppress(OSError):
            os.unlink(path)
    if "writing" in said and not forward:
        part_nobody(orders["edits"], "backward" in said)
    reload = forward or "writing" in said
    return 1 if fleet.release(RESCUE_SECONDS, _SETTLE_SECONDS, reload=reload) else 0


def part_nobody(edits: Sequence[Sequence[str]], backward: bool) -> None:
    """Put the old content back where only some of the files have the new one, or where we were at it.

    Else the clients of one process would write to the old server, and those of another to the new one. A file
    that somebody else has edited since stays as it is.
    """
    found = {}
    for path, *_ in edits:
        with suppress(Problem):
            found[path] = files.read(Path(path))
    if backward or any(found.get(path) != content(new) for path, new, _ in edits):
        for path, new, old in edits:
            if found.get(path) == content(new):
                with suppress(Problem):
                    files.replace(Path(path), content(old))


def _answer(line: str) -> None:
    with suppress(BrokenPipeError):  # who waited for it may be gone
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
