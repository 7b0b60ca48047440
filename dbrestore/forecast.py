"""What a restore will take, told before it starts: room on each file system, and time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

from dbrestore.progress import size
from dbrestore.rates import estimate
from dbrestore.space import Need, fitting


@dataclass(frozen=True)
class Forecast:
    """``work``: the bytes of each phase, under the name that its ``Meter`` has."""

    needs: tuple[Need, ...] = ()
    work: tuple[tuple[str, int], ...] = ()

    def lines(self) -> list[str]:
        """A line for each file system and one for the time; Problem ``no-space`` where it cannot fit."""
        return [*fitting(self.needs), *([self._time()] if self.work else [])]

    def _time(self) -> str:
        phases = ", ".join(f"{phase} {size(count)}" for phase, count in self.work if count)
        expected = {phase: estimate(phase, count) for phase, count in self.work if count}
        known = [found for found in expected.values() if found]
        if not known:
            return f"{phases}: no such work was measured on this machine yet, so its time is not known"
        rest = ", ".join(phase for phase, found in expected.items() if not found)
        time = f"{phases}: {reduce(add, known)}" + (f", without {rest}" if rest else "")
        return f"{time}; and a few seconds for starts and checks"
