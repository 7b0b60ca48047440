"""The swap: PAUSE, new address in the config files, RELOAD, RESUME; undone if it fails before that last one.

From then on there is only forward: what clients wrote to the new server the old one does not have. Whatever
takes time is done before PAUSE: connections, the guard, the new files' content on disk. Between PAUSE and
RESUME lie only console commands and one rename a file.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from dbrestore import files
from dbrestore.pgbouncer.fleet import Fleet, StepFailed
from dbrestore.pgbouncer.guard import RESCUE_SECONDS, Guard, Orders
from dbrestore.pgbouncer.inifile import Address, Entry, content
from dbrestore.pgbouncer.inputs import Timeouts
from problem import Problem

UNDO_SECONDS, UNDO_SETTLE_SECONDS = 10.0, 0.3


@dataclass(frozen=True)
class Edit:
    """One config file: what is in it, what belongs in it, and what keeps the old server serving."""

    entry: Entry
    new: Address
    old: Address

    @property
    def path(self) -> Path:
        return self.entry.path

    def commit(self, replacement: files.Replacement) -> None:
        """Put the new content in place, unless someone else edited the file meanwhile."""
        if files.read(self.path) != content(self.entry.text):
            what = f"{self.path} was edited by someone else while clients were being paused."
            raise Problem(
                "config-changed-meanwhile", what, "Look at the edit, then run the same command again."
            )
        replacement.commit()

    @property
    def contents(self) -> tuple[str, str]:
        """The new one, and what was there; where the file was ahead of the process, what the process does."""
        return self.entry.pointing_at(self.new), self.entry.pointing_at(self.old)

    def undo(self) -> None:
        """Put back the old content."""
        files.replace(self.path, content(self.contents[1]))


class Swap:
    """One swap of all processes of a fleet; ``run`` once."""

    moved = False
    """Whether clients may have been let to the new server."""

    def __init__(self, fleet: Fleet, edits: Sequence[Edit], new: Address, timeouts: Timeouts) -> None:
        self._fleet, self._edits, self._new, self._timeouts = fleet, edits, new, timeouts
        self._touched: list[Edit] = []

    def run(self, progress: Callable[[str], None], cancelled: threading.Event) -> float:
        """Swap; give the milliseconds for which clients were held. Problem when the old route serves on."""
        with ExitStack() as stack:
            ready = []
            for edit in self._edits:
                ready.append(files.prepare(edit.path, content(edit.entry.pointing_at(self._new))))
                stack.callback(ready[-1].discard)
            guard = stack.enter_context(Guard(self._orders(ready)))
            progress(f"pgbouncer {self._fleet.database}: holding clients")
            try:
                milliseconds = self._steps(guard, ready, cancelled)
            except Exception as error:
                raise self._undo(guard, error) from error
            guard.done()
        for replacement in ready:
            replacement.settle()
        return milliseconds

    def _steps(self, guard: Guard, ready: Sequence[files.Replacement], cancelled: threading.Event) -> float:
        started = time.monotonic()
        self._fleet.pause(self._timeouts.pause, cancelled)
        self._while_held(guard)
        guard.writing()
        for edit, replacement in zip(self._edits, ready, strict=True):
            edit.commit(replacement)
            self._touched.append(edit)
        self._fleet.reload(self._timeouts.reload)
        self._verify()
        self.moved = True
        self._fleet.resume(self._timeouts.resume)
        milliseconds = (time.monotonic() - started) * 1000
        self._verify(resumed=True)
        return milliseconds

    def _while_held(self, guard: Guard) -> None:
        """What has to be done while nobody reaches either server; a promotion has something."""

    def _verify(self, resumed: bool = False) -> None:
        """RELOAD says yes to a file it cannot read, so believe only what is shown."""
        for console, shown in self._fleet.shown().items():
            if shown.address != self._new or (resumed and shown.paused):
                is_now = (
                    "still paused" if shown.address == self._new else f"at {shown.address}, not {self._new}"
                )
                what = f"After RELOAD pgbouncer {console.place} shows {self._fleet.database} {is_now}."
                cure = (
                    "Its log says why: its whole config file must be valid. Then run the same command again."
                )
                raise Problem("swap-not-taken", what, cure)

    def _undo(self, guard: Guard, error: Exception) -> Problem:
        """Back to the old route with nobody paused, or forward; the failure in words."""
        self.moved = self.moved or self._overtaken(guard)
        if self.moved:
            return self._forward(guard, error)
        held = _holders(self._fleet, error)
        left = self._put_back()
        left |= self._fleet.release(UNDO_SECONDS, UNDO_SETTLE_SECONDS, reload=bool(self._touched))
        if not left:
            guard.done()
        return _failure(self._fleet, error, held, left)

    def _overtaken(self, guard: Guard) -> bool:
        """Whether the guard has let clients to the new server; else it now hears that we go back."""
        if len(self._touched) < len(self._edits):
            return False
        with suppress(Problem):
            guard.announce("backward")
            return False
        return not guard.killed

    def _forward(self, guard: Guard, error: Exception) -> Problem:
        """Clients may have written to the new server already: bring the others there too."""
        left = self._fleet.release(UNDO_SECONDS, UNDO_SETTLE_SECONDS, reload=True)
        what = f"Clients are at {self._new} now, but not everything went well: {error}."
        if not left:
            guard.done()
            cure = "All clients were resumed there. Run the same command again: it takes that down."
            return Problem("swap-unfinished", what, cure)
        places = "; ".join(f"{place}: {why}" for place, why in left.items())
        cure = (
            f"On these admin consoles type: RELOAD; RESUME {self._fleet.database}; or restart them. "
            "Then run the same command again."
        )
        return Problem("swap-unfinished", f"{what} Not resumed: {places}.", cure)

    def _put_back(self) -> dict[str, str]:
        """The old content of every file touched; path -> why, for those that stay new."""
        left = {}
        for edit in self._touched:
            try:
                edit.undo()
            except Problem as error:
                left[str(edit.path)] = error.what
        return left

    def _orders(self, ready: Sequence[files.Replacement]) -> Orders:
        steps = self._timeouts
        seconds = steps.pause + steps.reload + steps.resume + RESCUE_SECONDS + UNDO_SECONDS
        discard = tuple(str(replacement.ready) for replacement in ready)
        return Orders(
            tuple(console.url for console in self._fleet.consoles),
            self._fleet.database,
            seconds,
            discard,
            tuple((str(edit.path), *edit.contents) for edit in self._edits),
        )


def _holders(fleet: Fleet, error: Exception) -> str:
    if not isinstance(error, StepFailed) or not error.answer.late or not error.step.startswith("PAUSE"):
        return ""
    return ", ".join(fleet.holders(error.console)) or "clients that are gone by now"


def _failure(fleet: Fleet, error: Exception, held: str, left: dict[str, str]) -> Problem:
    found = error
    if not isinstance(found, Problem):
        found = Problem("swap-failed", f"{error}.", "Correct that, then run the same command again.")
    if held:
        cure = "End those sessions or transactions, or raise the pause timeout, then run the same again."
        found = Problem("pause-timed-out", f"{found.what} Held by {held}.", cure)
    if not left:
        what = f"{found.what} All clients were resumed; the old route serves."
        return Problem(found.name, what, found.cure)
    places = "; ".join(f"{place}: {why}" for place, why in left.items())
    resume = f"On its admin console type: RESUME {fleet.database}; or restart that pgbouncer."
    return Problem(found.name, f"{found.what} Not put back: {places}.", f"{resume} {found.cure}")
