"""``dbrestore:kubernetes:Job``: a Job that may be at work; waited for, or suspended if that is asked for."""

from __future__ import annotations

from typing import Any, ClassVar

from dbrestore.kubernetes.api import Api
from dbrestore.kubernetes.jobs import await_end, is_running
from dbrestore.kubernetes.kinds import JOB, Found, Kind
from dbrestore.kubernetes.originals import Levels
from dbrestore.kubernetes.pods import gone
from dbrestore.kubernetes.schedule import suspended
from dbrestore.kubernetes.writer import Work, Writer, WriterInputs


class JobInputs(WriterInputs):
    """See ``WriterInputs``."""

    suspend: bool = False
    """Suspend it, which ends its pods, in place of waiting until it is done."""


class Job(Writer):
    """See ``JobInputs`` and ``Writer``. One that has finished, or is gone, does not write."""

    resource_type = "dbrestore:kubernetes:Job"
    inputs = JobInputs
    may_be_gone: ClassVar = True

    def kind(self, inputs: JobInputs) -> Kind:
        return JOB

    def levels(self, api: Api, found: Found) -> Levels:
        return suspended(found) if is_running(found) or suspended(found)["suspend"] else {}

    def wanted(self, inputs: JobInputs, original: Levels) -> Levels:
        held = inputs.suspend and inputs.desired != "all" and bool(original)
        return {"suspend": True} if held else original

    def patch(self, wanted: Levels) -> dict[str, Any]:
        return {"spec": wanted}

    def settle(self, work: Work, found: Found) -> None:
        if work.inputs.desired == "all":
            return
        if work.inputs.suspend:
            gone(work.api, found, work.inputs.timeout, lambda: None)
            return

        def itself() -> list[Found]:
            now = work.api.find(JOB, found.namespace, found.name)
            return [now] if now else []

        await_end(work.api, work.inputs.timeout, itself)
