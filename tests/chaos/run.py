"""One incident from pause to teardown, killed once, continued by what status prints, and then judged."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from rehearsal.ledger import Instant, reconcile
from tests.chaos.killing import STAGES, Kill
from tests.chaos.site import ChaosSite, entries, wait_for_writes
from tests.faults.site import NAME
from tests.support.ground import wait_until
from tests.support.killing import settled, started
from tests.support.small_site import Project

PATIENCE = 15.0
"""Seconds in which what a killed run left has to end by itself."""
_REACHED = {
    "pause": "paused",
    "restore": "restored",
    "validate": "validated",
    "cutover": "cut-over",
    "resume": "recovered",
    "stop": "cut-over",
    "rollback": "validated",
    "teardown": "paused",
}


@dataclass
class Result:
    """What became of one run."""

    number: int
    kill: Kill
    struck: str = "not struck"
    continued: list[str] = field(default_factory=list)
    """What status printed and was typed then."""
    failure: str = ""
    original_unchanged: bool = False
    writes: int = 0
    lost: tuple[str, ...] = ()
    left: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether nothing at all is missing."""
        return not (self.failure or self.lost or self.left) and self.original_unchanged and self.writes > 0

    @property
    def line(self) -> str:
        parts = [f"{self.number:3}", f"{self.seconds:5.1f} s", f"{self.kill} ({self.struck})"]
        parts.append("then: " + "; ".join(self.continued) if self.continued else "nothing to continue")
        parts.append(f"{self.writes} writes, {len(self.lost)} lost")
        parts += [f"FAILED: {self.failure}"] if self.failure else []
        parts += [] if self.original_unchanged else ["THE ORIGINAL HAS CHANGED"]
        parts += [f"LEFT: {self.left}"] if self.left else []
        return " | ".join([*parts, "whole" if self.whole else "NOT WHOLE"])


def play(site: ChaosSite, seed: int, number: int) -> Result:
    """Play one run; whatever it missed is in its result."""
    result, begun = Result(number, Kill.of(seed, number)), time.monotonic()
    with site.faults.at("plain", "normal") as project:
        try:
            _Incident(site, project, result).play()
        except Exception as error:
            result.failure = f"{type(error).__name__}: {error}"[:2000]
        finally:
            site.site.stop_load()
        _judge(site, project, result)
    result.seconds = time.monotonic() - begun
    return result


def _judge(site: ChaosSite, project: Project, result: Result) -> None:
    try:
        wait_until(lambda: not project.left(), PATIENCE)
    except AssertionError:
        result.left = project.left()
    result.original_unchanged = site.faults.fingerprint() == site.faults.before


@dataclass
class _Incident:
    site: ChaosSite
    project: Project
    result: Result

    def play(self) -> None:
        between: dict[str, Callable[[], None]] = {
            "pause": self._load,
            "validate": self._reconcile,
            "resume": self._account,
        }
        for stage in STAGES:
            self._stage(stage)
            between.get(stage, lambda: None)()

    def _stage(self, stage: str) -> None:
        words, before = self._words(stage), self.project.status["next"]
        with started(self.project, *words) as run:
            struck = not self._done and self._due(stage) and self.result.kill.strike(run)
            code, said = run.end()
        if not struck:
            assert code == 0, said[-1500:]
        else:
            self.result.struck = (
                f"exit {code}" if stage == self.result.kill.stage else f"exit {code}, in {stage}"
            )
            settled(self.project)
            self._continue(stage, words, before)
        assert self.project.status["state"] == _REACHED[stage], self.project.status

    @property
    def _done(self) -> bool:
        return self.result.struck != "not struck"

    def _due(self, stage: str) -> bool:
        """A stage that ended before its moment hands it to the next one."""
        return STAGES.index(stage) >= STAGES.index(self.result.kill.stage)

    def _continue(self, stage: str, words: list[str], before: str) -> None:
        """Type what status prints until the stage is reached; a look only leads back to its own words.

        So does a status that prints what it printed ``before``: the kill came before anything was done.
        """
        for _ in range(6):
            known = self.project.status
            if known["state"] == _REACHED[stage]:
                return
            following = shlex.split(known["next"])
            own = not following or following[0] == "sources" or known["next"] == before
            typed = words if own else following
            self.result.continued.append(f"{known['state']}: {shlex.join(typed)}")
            ended = self.project.reforge(*typed, expect=None)
            assert ended.code == 0, ended.text[-1500:]
        raise AssertionError(f"{stage} is not reached: {self.project.status}")

    def _words(self, stage: str) -> list[str]:
        if stage == "restore":
            return ["restore", NAME, "--time", self.site.faults.target, "--yes"]
        verb = "pause" if stage == "stop" else stage
        return [verb, *([NAME] if verb in ("validate", "cutover", "teardown") else []), "--yes"]

    def _load(self) -> None:
        """The application's clients go on; while writers are paused none of their writes is taken."""
        self.site.site.start_load(readers=1, writers=1, rate=20)

    def _reconcile(self) -> None:
        """Every write acknowledged before the accident is in the restore, and none from after it."""
        accident = self.site.faults.ground.accident
        target = Instant(time=accident.time, lsn=accident.lsn)
        url = self.project.reforge("env", NAME, "--show").document["url"]
        found = reconcile(self.site.ledger, url, target, self.site.site.record.postgres_port)
        self.result.writes += found.acknowledged_before_target
        self.result.lost += (*found.missing, *found.intruding)

    def _account(self) -> None:
        """Every write acknowledged since the pause is in the restore: the original took none."""
        wait_for_writes(self.site.site, 10)
        self.site.site.stop_load()
        acknowledged = {entry.key for entry in entries(self.site.site)}
        url = self.project.reforge("env", NAME, "--show").document["url"]
        with psycopg.connect(url, autocommit=True) as connection:
            present = {str(key) for (key,) in connection.execute("SELECT key FROM hero_snapshots")}
        self.result.writes += len(acknowledged)
        self.result.lost += tuple(acknowledged - present)
