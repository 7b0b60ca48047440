"""A suite run by pods near the database: what a pod does, and the Job that is ordered for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dbrestore.handler import Context
from dbrestore.jobs.manifest import Work
from dbrestore.jobs.running import Running
from dbrestore.jobs.settings import Cluster
from problem import Problem
from validation.context import Subject
from validation.merging import merged, parts_of, report_of
from validation.report import Report
from validation.runner import Part, Progress, run
from validation.suite import Suite, parse

VERB = "validate"
URL, SOURCE_URL, SUITE, WORK = (
    "REFORGE_TARGET_URL", "REFORGE_SOURCE_URL", "REFORGE_SUITE", "REFORGE_VALIDATION",
)  # fmt: skip
"""The pods' variables: two databases, the suite's text, and the rest as JSON."""


@dataclass(frozen=True)
class NearValidation:
    """A suite on a restore, and the cluster whose pods run it."""

    name: str
    suite: Suite
    subject: Subject
    cluster: Cluster

    def run(self, context: Context) -> Report:
        """The report, as a run on this machine makes it. Problem ``runner-...``."""
        parts = parts_of(self.suite, self.cluster.shards)
        work = Work(self.name, VERB, "", self._known(parts), parts, fresh=True)
        found = Running(work, self.cluster, str(self.subject.address), context).results()
        return merged(self.suite, [report_of(one["report"]) for one in found])

    def _known(self, parts: int) -> dict[str, str]:
        time = self.subject.target_time
        rest = {"time": time.isoformat() if time else None, "standby": self.subject.standby, "parts": parts}
        known = {URL: self.subject.url, SUITE: self.suite.text, WORK: json.dumps(rest)}
        return known | ({SOURCE_URL: self.subject.source_url} if self.subject.source_url else {})


def near(
    name: str, suite: Suite, subject: Subject, settings: Mapping[str, Any], tell: Callable[[str], None]
) -> Report:
    """The same from the config's plain ``settings``; ``tell`` takes a line of progress."""
    cluster = Cluster.model_validate(settings)
    return NearValidation(name, suite, subject, cluster).run(Context("", tell, note=tell))


def validate(known: Mapping[str, str], index: int, context: Context) -> Mapping[str, Any]:
    """A pod's part of the suite. Problem ``database-unreachable``, so that another try is made."""
    rest = json.loads(known[WORK])
    time = datetime.fromisoformat(rest["time"]) if rest["time"] else None
    subject = Subject(known[URL], known.get(SOURCE_URL), time, rest["standby"])
    part = Part(index, rest["parts"])

    def tell(step: Progress) -> None:
        context.progress(f"check {step.number} of {step.total}: {step.name}")

    report = run(parse(known[SUITE]), subject, tell, part)
    if context.cancelled.is_set():
        raise Problem("interrupted", "The pod was asked to end.")
    return {"report": report.document()}
