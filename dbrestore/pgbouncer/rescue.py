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
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from dbrestore.pgbouncer import promoted
from dbrestore.pgbouncer.fleet import Fleet
from dbrestore.pgbouncer.guard import RESCUE_SECONDS
from dbrestore.pgbouncer.pipe import Pipe

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
    forward = bool(orders["promotion"]) and promoted.settled(orders["promotion"], said)
    for path in orders["discard"]:
        with suppress(OSError):
            os.unlink(path)
    reload = forward or "writing" in said
    return 1 if fleet.release(RESCUE_SECONDS, _SETTLE_SECONDS, reload=reload) else 0


def _answer(line: str) -> None:
    with suppress(BrokenPipeError):  # who waited for it may be gone
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
