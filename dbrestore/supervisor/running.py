"""Brings a group to exactly a set of running processes: stops first, then starts, each time-boxed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from dbrestore.handler import Context
from dbrestore.supervisor.client import Process, Supervisor
from problem import Problem

_POLL_SECONDS = 0.05
_STEADY_SECONDS = 0.5
"""A program without startsecs is RUNNING at once, even if it ends at once: look a moment longer."""

Processes = dict[str, Process]


def run_exactly(client: Supervisor, wanted: set[str], timeout: float, context: Context) -> list[Process]:
    """Stop what is not wanted, start what is; the processes afterwards.

    ``timeout`` in seconds holds for stopping, and again for starting. Problem "processes-gone",
    "processes-do-not-stop", "program-does-not-run" or "interrupted".
    """
    present = client.processes()
    if gone := wanted - present.keys():
        what = f"{client.group} no longer has {_names(gone)}, which ran before."
        raise Problem(
            "processes-gone",
            what,
            "Put them back into supervisord's config, `supervisorctl update`, run again.",
        )
    # one that is just stopping cannot be started yet: it has to end first, wanted or not
    ending = {name for name, one in present.items() if one.state == "STOPPING"}
    going = {name for name, one in present.items() if one.alive} - wanted
    _stop(client, ending | going, timeout, context)
    _start(client, wanted, timeout, context)
    return list(client.processes().values())


def _stop(client: Supervisor, names: set[str], timeout: float, context: Context) -> None:
    if not names:
        return
    context.progress(f"{client.group}: stopping {_names(names)}")
    for name in sorted(names):
        client.stop(name)
    left = _wait(client, timeout, context, lambda now: {name for name in names if not now[name].ended})
    if left:
        processes = client.processes()
        told = ", ".join(
            f"{name} ({processes[name].state}, pid {processes[name].pid})" for name in sorted(left)
        )
        what = f"Of {client.group}, these did not stop within {timeout:g} s: {told}."
        cure = "supervisord kills a process only after its program's stopwaitsecs; what ran is on record. "
        raise Problem("processes-do-not-stop", what, cure + "Run the same command again.")


def _start(client: Supervisor, wanted: set[str], timeout: float, context: Context) -> None:
    """Start what does not run; what ran before stays untouched and must only be there."""
    before = client.processes()
    names = {name for name in wanted if before[name].state != "RUNNING"}
    if not names:
        return
    context.progress(f"{client.group}: starting {_names(names)}")
    for name in sorted(names):
        if before[name].state != "BACKOFF" and (why := client.start(name)):
            raise _does_not_run(client, name, why)
    steady = _Steady()
    left = _wait(client, timeout, context, lambda now: _not_up(client, names, now, steady))
    if left:
        raise _does_not_run(client, sorted(left)[0], f"not RUNNING within {timeout:g} s")


class _Steady:
    """Since when the same pids have been seen."""

    def __init__(self) -> None:
        self._pids: tuple[int, ...] = ()
        self._since = 0.0

    def seen(self, pids: tuple[int, ...]) -> float:
        """Seconds for which these very pids have been there."""
        if pids != self._pids:
            self._pids, self._since = pids, time.monotonic()
        return time.monotonic() - self._since


def _not_up(client: Supervisor, names: Iterable[str], now: Processes, steady: _Steady) -> set[str]:
    ours = [now[name] for name in sorted(names)]
    for process in ours:
        if process.ended or process.state == "BACKOFF":
            raise _does_not_run(client, process.name, f"{process.state} {process.note}".strip())
    waiting = {process.name for process in ours if process.state != "RUNNING"}
    if not waiting and steady.seen(tuple(process.pid for process in ours)) < _STEADY_SECONDS:
        return {process.name for process in ours}
    return waiting


def _wait(
    client: Supervisor, timeout: float, context: Context, left: Callable[[Processes], set[str]]
) -> set[str]:
    """Poll until ``left`` is empty or the time is over; what is left then."""
    deadline = time.monotonic() + timeout
    while (names := left(client.processes())) and time.monotonic() < deadline:
        if context.cancelled.wait(_POLL_SECONDS):
            what = f"Interrupted while waiting for {_names(names)} of {client.group}."
            raise Problem("interrupted", what, "What ran is on record. Run the same command again.")
    return names


def _does_not_run(client: Supervisor, name: str, why: str) -> Problem:
    said = client.tail(name)
    what = f"{client.group}:{name} does not run: {why}." + (f" It said last:\n{said}" if said else "")
    look = client.command(f"tail {client.group}:{name} stderr")
    cure = f"Correct the program, then run the same command again. To see more: {look}"
    return Problem("program-does-not-run", what, cure)


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
