"""Which run is killed where, when and how: all of it follows from seed and number."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass

from tests.support.killing import PROCESSES, Run
from tests.support.small_site import Project

STAGES = ("pause", "restore", "validate", "cutover", "resume", "stop", "rollback", "teardown")
"""``stop``: the writers once more, before the way back."""
VICTIMS = ("command", "engine", "plugin", "all")
_LENGTHS = {"pause": 3.5, "restore": 6.0, "validate": 5.0, "cutover": 4.0, "resume": 3.5}
_LENGTH = 3.0
"""Seconds that a stage takes at most on a quiet machine, about: where in it the moment may lie."""


@dataclass(frozen=True)
class Kill:
    """SIGKILL to the ``victim``, so many seconds after the ``stage`` began."""

    stage: str
    victim: str
    after: float

    @classmethod
    def of(cls, seed: int, number: int) -> Kill:
        chosen = random.Random(f"{seed}/{number}")  # noqa: S311 - to be repeated, not to be secret
        stage, victim = chosen.choice(STAGES), chosen.choice(VICTIMS)
        return cls(stage, victim, round(chosen.uniform(0.05, _LENGTHS.get(stage, _LENGTH)), 2))

    def __str__(self) -> str:
        return f"{self.victim} killed {self.after:.2f} s into {self.stage}"

    def strike(self, run: Run) -> bool:
        """Wait for the moment; False where the command has ended before it."""
        moment = time.monotonic() + self.after
        while time.monotonic() < moment or not self._there(run):
            if run.command.poll() is not None:
                return False
            time.sleep(0.005)
        self._kill(run)
        return True

    def _there(self, run: Run) -> bool:
        return self.victim in ("command", "all") or self._pid(run.project) != 0

    def _kill(self, run: Run) -> None:
        if self.victim in ("command", "all"):
            run.kill(self.victim)
            return
        with suppress(ProcessLookupError):
            os.kill(self._pid(run.project), signal.SIGKILL)

    def _pid(self, project: Project) -> int:
        """The engine, whichever of its runs is at work, or the plugin."""
        wanted = (
            (PROCESSES["engine"], PROCESSES["preview"]) if self.victim == "engine" else (PROCESSES["plugin"],)
        )
        alive = project.processes().items()
        return next((pid for pid, line in alive if any(words in line for words in wanted)), 0)
