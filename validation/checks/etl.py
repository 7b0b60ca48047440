"""Does one worker process a sample on the restored database?"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from pydantic import Field

from validation.check import Result, WritingCheck, judged
from validation.connections import Connection
from validation.context import Context
from validation.programs import Program, Running, running, wait_for
from validation.statements import holds
from validation.values import Duration, in_units

_QUOTED = 3  # fatal lines that are quoted


class Etl(WritingCheck):
    """``- etl: {write: true, worker: {command: [...]}, insert: ..., expect: ..., cleanup: [...]}``.

    ``insert`` makes the sample and RETURNs its id; ``expect`` must become true within ``timeout``, with
    ``%(id)s`` for that id; no line of the worker's log may match ``fatal``. The worker is a real one: it also
    processes whatever else waits in the restored database.
    """

    worker: Program
    insert: str
    expect: str
    timeout: Duration = timedelta(seconds=30)
    cleanup: list[str] = Field(default_factory=list)
    fatal: re.Pattern[str] = re.compile(r"FATAL|CRITICAL|Traceback|panic:")

    def run(self, context: Context) -> Result:
        with context.writable() as connection:
            sample = context.samples.insert(connection, self.insert, self.cleanup)
            try:
                complaints, fatal = self._worked(context, connection, sample)
            finally:
                context.samples.remove(connection, self.cleanup, sample)
        return judged(
            "a single worker processed the sample",
            [*complaints, *(f"the worker's log: {line}" for line in fatal[:_QUOTED])],
            {"fatal-lines": len(fatal), "cleaned": bool(self.cleanup)},
        )

    def _worked(
        self, context: Context, connection: Connection, sample: dict[str, Any]
    ) -> tuple[list[str], list[str]]:
        """Complaints, and the fatal lines of the worker's log."""
        with running(self.worker, context.url_for_program(writing=True)) as worker:
            complaint = self._awaited(worker, connection, sample)
            # read before it is told to stop: what it says about being stopped is no failure
            fatal = [line for line in worker.log if self.fatal.search(line)]
        return [complaint] if complaint else [], fatal

    def _awaited(self, worker: Running, connection: Connection, sample: dict[str, Any]) -> str | None:
        def processed() -> bool:
            return holds(connection, self.expect, sample)

        wait_for(lambda: processed() or worker.exit_code is not None, self.timeout.total_seconds())
        if processed():  # a worker may do its work and end
            return f"the worker failed: {worker.ended()}" if worker.exit_code else None
        if worker.exit_code is not None:
            return f"the worker ended before the sample was processed: {worker.ended()}"
        return f"the sample was not processed within {in_units(self.timeout)}: `{self.expect}` is not true"
