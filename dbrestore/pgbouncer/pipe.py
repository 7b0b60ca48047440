"""Lines between a swap and its guard."""

from __future__ import annotations

import os
import select
import time


class Pipe:
    """Lines from a file descriptor, with a deadline and nothing read ahead and lost."""

    def __init__(self, handle: int) -> None:
        self._handle, self._read = handle, b""

    def line(self, deadline: float) -> str | None:
        """The next line, or None at the end of the pipe or when ``deadline`` (monotonic) has passed."""
        while b"\n" not in self._read:
            readable, _, _ = select.select([self._handle], [], [], max(0.0, deadline - time.monotonic()))
            more = os.read(self._handle, 65536) if readable else b""
            if not more:
                return None
            self._read += more
        line, self._read = self._read.split(b"\n", 1)
        return line.decode()
