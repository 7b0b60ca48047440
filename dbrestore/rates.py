"""How fast the phases of a restore were on this machine, and what that says of the next one.

Kept as JSON lines in the user's cache folder: losing them costs an estimate, nothing else.
"""

from __future__ import annotations

import contextlib
import json
import statistics
from dataclasses import dataclass
from pathlib import Path

from toolchain.cache import cache_folder

LEAST = 4 * 2**20
"""Bytes below which a phase says nothing about rates: what is fixed about it takes longer."""
NEWEST = 20
"""How many runs of a phase count; a machine's disks change."""


@dataclass(frozen=True)
class Estimate:
    """Seconds that work is expected to take: the median, and the band of nine of ten earlier runs."""

    seconds: float
    low: float
    high: float
    runs: int

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(
            self.seconds + other.seconds,
            self.low + other.low,
            self.high + other.high,
            min(self.runs, other.runs),
        )

    def __str__(self) -> str:
        band = f"{duration(self.low)} to {duration(self.high)}"
        runs = "one earlier run" if self.runs == 1 else f"{self.runs} earlier runs"
        return f"about {duration(self.seconds)} ({band}) by {runs} on this machine"


def record(phase: str, count: int, seconds: float) -> None:
    """Remember that ``count`` bytes took ``seconds``. A cache that cannot be written is passed over."""
    if count < LEAST or seconds <= 0:
        return
    line = json.dumps({"phase": phase, "bytes": count, "seconds": round(seconds, 4)})
    with contextlib.suppress(OSError):
        _file().parent.mkdir(parents=True, exist_ok=True)
        with _file().open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def estimate(phase: str, count: int) -> Estimate | None:
    """What ``count`` bytes of a phase will take; None where no such phase was measured here."""
    rates = _rates(phase)
    if not rates:
        return None
    if len(rates) == 1:
        # One run says nothing about how far others will be from it.
        return Estimate(count / rates[0], count / rates[0] / 2, count / rates[0] * 2, 1)
    tenths = statistics.quantiles(rates, n=10, method="inclusive")
    return Estimate(count / statistics.median(rates), count / tenths[-1], count / tenths[0], len(rates))


def duration(seconds: float) -> str:
    """Seconds for people: "4 s", "3 min", "2 h 10 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _rates(phase: str) -> list[float]:
    """Bytes a second of the newest runs. Lines that are none, of a killed writer say, are passed over."""
    rates = []
    with contextlib.suppress(OSError):
        for line in _file().read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError, ZeroDivisionError):
                run = json.loads(line)
                if run["phase"] == phase:
                    rates.append(run["bytes"] / run["seconds"])
    return rates[-NEWEST:]


def _file() -> Path:
    return cache_folder() / "rates.jsonl"
