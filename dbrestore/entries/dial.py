"""How much of something that writes may run: none, a canary, or as much as there was before us."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import Field

from dbrestore.entries.entry import EntryHandler
from dbrestore.handler import Context, Inputs, State
from problem import Problem

_POLL = 2.0  # seconds


class DialInputs(Inputs):
    """Base of a dial's inputs."""

    desired: Literal["none", "canary", "all"]
    timeout: float = Field(600, gt=0, le=7200)
    """Seconds until what was asked for must be so."""


class DialHandler(EntryHandler):
    """``original`` is recorded before anything changes, and written again by ``desired: all``."""

    secrets = frozenset()
    present: ClassVar[str] = "running"
    adopts: ClassVar[bool] = True

    def rests(self, state: State) -> bool:
        return bool(state.get("desired") == "all")


def await_or_tell(context: Context, timeout: float, done: Callable[[], bool], late: Problem) -> None:
    """Ask ``done`` until it is so; raise ``late`` where that takes longer than ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not done():
        if time.monotonic() > deadline:
            raise late
        if context.cancelled.wait(_POLL):
            cure = "What was there before is on record. Run the same command again; it goes on from there."
            raise Problem("interrupted", f"Interrupted while waiting. {late.what}", cure)
