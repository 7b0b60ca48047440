"""Times two ways of one work in turn, A B A B, so that a machine whose speed drifts treats both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Work = Callable[[], object]
Measured = Callable[[], Mapping[str, float]]
"""Work that tells the seconds of its parts by name, and clears up after itself unmeasured."""


@dataclass(frozen=True)
class Pair:
    """Seconds of every run of two commands."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Median of the ratios run by run, ours to theirs."""
        return statistics.median(a / b for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def difference(self) -> float:
        """Median of the differences run by run, in seconds."""
        return statistics.median(a - b for a, b in zip(self.ours, self.theirs, strict=True))

    def line(self, name: str) -> str:
        """One row: both medians, ratio and difference."""
        ours, theirs = statistics.median(self.ours), statistics.median(self.theirs)
        return f"{name:<44} {ours:8.3f} s {theirs:8.3f} s   x {self.ratio:5.2f}   {self.difference:+7.3f} s"

    def speed(self, name: str) -> str:
        """The same row, and how many times as fast ours is."""
        return f"{self.line(name)}   ({1 / self.ratio:.2f} times as fast)"


def paired(ours: Work, theirs: Work, runs: int, warm_ups: int = 1) -> Pair:
    """Run both in turn; the first ``warm_ups`` pairs are not counted."""
    times = [(timed(ours), timed(theirs)) for _ in range(warm_ups + runs)][warm_ups:]
    return Pair(tuple(one for one, _ in times), tuple(other for _, other in times))


def alternated(ours: Measured, theirs: Measured, runs: int, warm_ups: int = 1) -> dict[str, Pair]:
    """The same of work that measures itself: a pair for each part that both name."""
    times = [(ours(), theirs()) for _ in range(warm_ups + runs)][warm_ups:]
    parts = [part for part in times[0][0] if part in times[0][1]]
    return {
        part: Pair(tuple(one[part] for one, _ in times), tuple(other[part] for _, other in times))
        for part in parts
    }


def timed(work: Work) -> float:
    """Its seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
