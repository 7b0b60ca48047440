"""Times two commands in turn, A B A B, so that a machine whose speed drifts treats both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Work = Callable[[], object]


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


def paired(ours: Work, theirs: Work, runs: int, warm_ups: int = 1) -> Pair:
    """Run both in turn; the first ``warm_ups`` pairs are not counted."""
    times = [(_seconds(ours), _seconds(theirs)) for _ in range(warm_ups + runs)][warm_ups:]
    return Pair(tuple(one for one, _ in times), tuple(other for _, other in times))


def _seconds(work: Work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
