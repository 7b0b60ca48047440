"""Does the database answer, and has it left recovery?"""

from __future__ import annotations

from validation.check import Check, Result, judged
from validation.context import Context


class Connectivity(Check):
    """``- connectivity``. A replica that is not promoted yet needs ``allow-recovery: true`` by its URL."""

    gate = True

    allow_recovery: bool = False

    def run(self, context: Context) -> Result:
        row = context.database.execute(
            "SELECT 1, current_setting('server_version'), pg_is_in_recovery()"
        ).fetchone()
        assert row is not None  # noqa: S101 - a SELECT without FROM has a row
        _, version, recovering = row
        complaint = "the server is still in recovery: it is read-only until it is promoted"
        allowed = self.allow_recovery or context.subject.standby
        return judged(
            f"PostgreSQL {version} answers at {context.subject.address}",
            [complaint if recovering and not allowed else None],
            {"version": version, "in-recovery": recovering},
        )
