"""What of a dump would act by itself in a copy, and so is left out of one that comes to life at once."""

from __future__ import annotations

from dbrestore.logical.entries import Entry

JOBS = "jobs would run in a copy as well: schedule them anew after the cut-over"
FEED = "would take changes in a copy: make it anew after the cut-over"


def acts_by_itself(entry: Entry) -> str:
    """Why it is left out: pg_cron's jobs and subscriptions; empty for everything else."""
    if entry.kind in ("SUBSCRIPTION", "SUBSCRIPTION TABLE"):
        return FEED
    return JOBS if entry.kind == "TABLE DATA" and entry.schema == "cron" else ""
