"""What a fault is: how it comes, how it is mended, and what a stage says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from tests.faults.scene import Scene
from tests.faults.stages import STAGES, Stage
from tests.support.small_site import Ended

EVERYWHERE = ("plain", "tar-gz", "wal-gz")
"""Sources of a fault that does not care how backups and WAL are stored."""
AGAIN = "the same command"
PROPOSE = "the same command without `--yes`"


@dataclass(frozen=True)
class Outcome:
    """How a command ends that met the fault, and what status says then. Empty problem: it does not mind."""

    problem: str = ""
    state: str = ""
    next: str = ""
    """``AGAIN`` for the words that were typed."""

    @classmethod
    def unharmed(cls, stage: Stage) -> Outcome:
        """The fault is no fault for this stage: it ends well under it."""
        return cls("", stage.state, stage.next)


def failed(problem: str, next: str = AGAIN, state: str = "failed") -> Outcome:
    return Outcome(problem, state, next)


def _nothing(_scene: Scene) -> AbstractContextManager[Any]:
    return nullcontext()


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong. Entering ``inject`` breaks it, leaving mends it."""

    name: str
    what: str
    outcomes: Mapping[str, Outcome]
    """By stage; only these stages meet it."""
    inject: Callable[[Scene], AbstractContextManager[Any]] = _nothing
    run: Callable[[Scene], Ended] = Scene.type
    """Types the command under the fault, and kills in the middle of it perhaps."""
    sources: tuple[str, ...] = ("plain",)
    needs: Callable[[], str] = field(default=lambda: "")
    """Why this machine cannot have the fault; empty where it can."""


def at(stages: str, outcome: Outcome) -> dict[str, Outcome]:
    """The same outcome at several stages."""
    return dict.fromkeys(stages.split(), outcome)


def unharmed(stages: str) -> dict[str, Outcome]:
    """Stages that end well under the fault."""
    return {name: Outcome.unharmed(STAGES[name]) for name in stages.split()}


@dataclass(frozen=True)
class Cell:
    """source x stage x fault."""

    source: str
    stage: Stage
    fault: Fault

    @property
    def outcome(self) -> Outcome:
        found = self.fault.outcomes[self.stage.name]
        proposing = " ".join(word for word in self.stage.words([]) if word != "--yes")
        return replace(found, next=PROPOSE) if found.next == proposing else found

    @property
    def id(self) -> str:
        return f"{self.source}-{self.stage.name}-{self.fault.name}"

    @property
    def row(self) -> tuple[str, ...]:
        """As it stands in the table."""
        found = self.outcome
        return (self.source, self.stage.name, self.fault.what, found.problem, found.state, found.next)
