"""One line for each request of the load: when it was sent, how long it took, how it ended.

The file is text, appended to, a line a request: ``<start, Unix seconds> <ms> <read|write> <outcome>``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

Kind = Literal["read", "write"]
Outcome = Literal["ok", "refused", "failed"]
"""refused: the API said that ingestion is paused, as it should; failed: anything else but 2xx."""


@dataclass(frozen=True)
class Sample:
    """One request."""

    start: float
    """Unix time at which it was sent, seconds."""
    ms: float
    """From there until its whole response was there, or until it was known to have failed."""
    kind: Kind
    outcome: Outcome

    @property
    def end(self) -> float:
        """Unix time of the response, seconds."""
        return self.start + self.ms / 1000

    def line(self) -> str:
        return f"{self.start:.6f} {self.ms:.3f} {self.kind} {self.outcome}\n"


class Recorder:
    """Appends samples to a file, from any thread; a line is in the file when ``add`` returns."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)
        self._lock = threading.Lock()

    def add(self, sample: Sample) -> None:
        with self._lock:
            self._file.write(sample.line())

    def close(self) -> None:
        with self._lock:
            self._file.close()


def read_samples(path: Path) -> Iterator[Sample]:
    """The samples of a file; a last line that is still being written is left out."""
    with path.open() as file:
        for line in file:
            if line.endswith("\n"):
                start, ms, kind, outcome = line.split()
                yield Sample(float(start), float(ms), kind, outcome)  # type: ignore[arg-type]


def during(samples: Iterable[Sample], since: datetime, until: datetime) -> list[Sample]:
    """The requests of which any part lies in the interval (times with a zone)."""
    begin, end = since.timestamp(), until.timestamp()
    return [sample for sample in samples if sample.start <= end and sample.end >= begin]


def longest_stall(samples: Iterable[Sample], since: datetime, until: datetime) -> float:
    """Milliseconds that the slowest request of the interval took; 0 where there was none.

    A request that is still waiting is in no file yet: ask when every request sent before ``until``
    has its answer (the load's timeout is the longest that takes).
    """
    return max((sample.ms for sample in during(samples, since, until)), default=0.0)


def failed(samples: Iterable[Sample], since: datetime, until: datetime) -> int:
    """How many requests of the interval failed; those refused by the paused ingestion did not."""
    return sum(sample.outcome == "failed" for sample in during(samples, since, until))


def summary(samples: Iterable[Sample]) -> dict[str, float]:
    """Counts by outcome, and the longest stall in ms, of all samples."""
    taken = list(samples)
    counts = {name: float(sum(one.outcome == name for one in taken)) for name in ("ok", "refused", "failed")}
    return {"requests": len(taken), **counts, "longest_stall_ms": max((one.ms for one in taken), default=0.0)}
