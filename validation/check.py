"""What a check is, and what it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from validation.values import Part, kebab

if TYPE_CHECKING:
    from validation.context import Context

Outcome = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Result:
    """The answer of one check.

    ``complaints`` has one line for each thing that is wrong; ``facts`` is what was seen, in JSON's types,
    and goes into the report's digest.
    """

    outcome: Outcome
    summary: str
    complaints: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def judged(summary: str, complaints: Iterable[str | None], facts: Mapping[str, Any] | None = None) -> Result:
    """Passed when nothing is complained of, else failed; None among the complaints means nothing wrong."""
    found = tuple(complaint for complaint in complaints if complaint)
    return Result("failed" if found else "passed", summary, found, facts or {})


class Check(Part, ABC):
    """One entry of a suite's ``checks``; its kind is the name of the file that its class lives in."""

    gate: ClassVar[bool] = False  # when it fails, the checks after it are not run

    name: str | None = None

    @property
    def kind(self) -> str:
        return kebab(type(self).__module__.rpartition(".")[2])

    @property
    def writing(self) -> bool:
        """Whether the suite says that this check may write."""
        return bool(getattr(self, "write", False))

    @abstractmethod
    def run(self, context: Context) -> Result:
        """Looks, and answers. It may raise Problem or psycopg.Error: the runner fails the check then."""


class WritingCheck(Check, ABC):
    """A check that cannot do its work without writing: the suite must say so."""

    write: Literal[True]
