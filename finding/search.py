"""Where a question turns false among commits that can only be walked forward cheaply: the way back is a copy.

It is the puzzle of the dropped eggs: c copies and p questions tell apart C(p,1) + ... + C(p,c) commits. Two
copies find one of 100,000 with 447 questions, four with 40; bisection takes 17 of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import comb

Look = Callable[[int], bool | None]
"""Is it still true just after the commit with this index? None where nobody can tell just then."""


@dataclass(frozen=True)
class Costs:
    """Seconds of a question and of a copy, and how many copies are allowed in all."""

    question: float
    copy: float
    most: int


@dataclass(frozen=True)
class Turn:
    """True after the commit ``last_true`` (-1: at the start), false after ``first_false``."""

    last_true: int
    first_false: int


@dataclass
class Search:
    """Finds a turn from true to false among ``count`` commits; true before the first of them.

    ``costs`` is asked anew before each step, ``position`` for the commit after which the present copy stands.
    """

    count: int
    look: Look
    position: Callable[[], int]
    costs: Callable[[], Costs]
    copies: int = 1
    """Made so far."""
    low: int = -1
    high: int = field(init=False)
    blind: int = field(init=False)
    """From here to ``high`` nobody can tell."""

    def __post_init__(self) -> None:
        self.high = self.blind = self.count

    def run(self, suspects: Iterable[int] = ()) -> Turn | None:
        """The turn; None where it is true to the end. Suspects are tried first, each before and after."""
        stops = sorted({stop for one in suspects for stop in (one - 1, one)})
        for stop in stops:
            if self.low < stop < self.high:
                self._ask(stop)
        while (left := self._open()) > 0:
            self._ask(self.low + next_stop(left, self._eggs(left)))
        return None if self.high == self.count else Turn(self.low, self.high)

    def _open(self) -> int:
        """How many commits have not been told apart."""
        return min(self.high, self.blind) - self.low - 1

    def _ask(self, stop: int) -> None:
        """Ask after a commit, or after the next one where it can be told; narrow down."""
        if stop <= self.position():
            self.copies += 1
        for at in range(stop, min(self.high, self.blind)):
            answer = self.look(at)
            if answer is True:
                self.low = at
            elif answer is False:
                self.high = at
            if answer is not None:
                return
        self.blind = stop

    def _eggs(self, left: int) -> int:
        """How many copies to plan with, the present one included where it stands before the rest."""
        costs, spare = self.costs(), 1 if self.position() <= self.low else 0
        most = max(1, costs.most - self.copies + spare)
        return min(
            range(1, min(most, bisection(left)) + 1),
            key=lambda eggs: questions(left, eggs) * costs.question + (eggs - spare) * costs.copy,
        )


def reach(eggs: int, asked: int) -> int:
    """How many commits so many copies and questions can tell apart."""
    return sum(comb(asked, used) for used in range(1, eggs + 1))


def questions(count: int, eggs: int) -> int:
    """How many questions it takes at most."""
    high = 1
    while reach(eggs, high) < count:
        high *= 2
    low = high // 2
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reach(eggs, middle) >= count else (middle, high)
    return high


def next_stop(count: int, eggs: int) -> int:
    """How many commits further to ask next, 1 to ``count``."""
    return min(count, reach(eggs - 1, questions(count, eggs) - 1) + 1)


def bisection(count: int) -> int:
    """Copies that bisection makes, each for one question, among so many commits."""
    return max(1, count.bit_length())
