"""``dbrestore:kubernetes:Schedule``: whether a CronJob starts jobs."""

from __future__ import annotations

from typing import Any

from dbrestore.kubernetes.api import Api
from dbrestore.kubernetes.jobs import await_end
from dbrestore.kubernetes.kinds import CRON_JOB, JOB, Found, Kind
from dbrestore.kubernetes.originals import Levels
from dbrestore.kubernetes.writer import Work, Writer, WriterInputs


class Schedule(Writer):
    """See ``Writer``. A schedule has no small size: for a canary it stays suspended."""

    resource_type = "dbrestore:kubernetes:Schedule"
    inputs = WriterInputs

    def kind(self, inputs: WriterInputs) -> Kind:
        return CRON_JOB

    def levels(self, api: Api, found: Found) -> Levels:
        return suspended(found)

    def wanted(self, inputs: WriterInputs, original: Levels) -> Levels:
        return original if inputs.desired == "all" else {"suspend": True}

    def patch(self, wanted: Levels) -> dict[str, Any]:
        return {"spec": wanted}

    def settle(self, work: Work, found: Found) -> None:
        """Suspending starts nothing new and ends nothing: what was started before is waited for."""
        if work.inputs.desired == "all":
            return

        def started() -> list[Found]:
            return [job for job in work.api.all(JOB, found.namespace) if job.owned_by(found)]

        await_end(work.api, work.inputs.timeout, started)


def suspended(found: Found) -> Levels:
    """Whether a CronJob or a Job is suspended."""
    return {"suspend": bool(found.at("spec", "suspend", default=False))}
