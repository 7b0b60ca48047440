"""One line of progress for people: phase, percent, rate and time left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from dbrestore import rates

EVERY_SECONDS = 0.25


class Meter:
    """Counts bytes towards a total and tells about it a few times a second, from any thread."""

    def __init__(self, phase: str, total: int, tell: Callable[[str], None]) -> None:
        self.phase, self.total, self._tell = phase, total, tell
        self._lock, self._count = threading.Lock(), 0
        self._begun = self._told = time.monotonic()

    def add(self, count: int) -> None:
        """So many bytes more are done."""
        with self._lock:
            self.reach(self._count + count)

    def reach(self, count: int) -> None:
        """So many bytes are done in all."""
        self._count = min(count, self.total)
        now = time.monotonic()
        if now - self._told >= EVERY_SECONDS:
            self._told = now
            self._tell(self.line(now - self._begun))

    def line(self, seconds: float) -> str:
        """The progress after ``seconds``: "replaying WAL 45 %, 1.2 GiB of 2.6 GiB, 210 MiB/s, 6 s left"."""
        share = min(100, 100 * self._count // self.total) if self.total else 100
        text = f"{self.phase} {share} %, {size(self._count)} of {size(self.total)}"
        rate = self._count / seconds if seconds > 0 else 0
        if rate:
            left = max(0, self.total - self._count) / rate
            text += f", {size(rate)}/s, {left:.0f} s left"
        return text

    def done(self) -> None:
        """Say that the phase is over and how long it took, and remember the rate."""
        seconds = time.monotonic() - self._begun
        rates.record(self.phase, self.total, seconds)
        self._tell(f"{self.phase} done: {size(self.total)} in {seconds:.1f} s")


def size(count: float) -> str:
    """Bytes for people, in binary units: "16 MiB"."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
