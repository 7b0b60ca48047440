"""Reports read back from their documents, and those of a suite's parts made one again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from validation.connections import Address
from validation.report import Report, Verdict, digest_of
from validation.runner import named
from validation.suite import Suite


def parts_of(suite: Suite, most: int) -> int:
    """Into how many parts a suite may fall; one that writes is done by one, in its order."""
    if any(check.writing for check in suite.checks):
        return 1
    return max(1, min(most, sum(not check.gate for check in suite.checks)))


def report_of(document: Mapping[str, Any]) -> Report:
    """The report that a document was made of. Problem ``report-altered`` or ``report-unknown``."""
    digest_of(document)
    finding = document["finding"]
    time = finding["target-time"]
    verdicts = [
        Verdict(**{**one, "complaints": tuple(one["complaints"])}, seconds=seconds)
        for one, seconds in zip(finding["checks"], document["seconds"], strict=True)
    ]
    return Report(
        finding["suite"]["name"],
        finding["suite"]["digest"],
        Address(**finding["subject"]),
        datetime.fromisoformat(time) if time else None,
        datetime.fromisoformat(finding["started-at"]),
        tuple(verdicts),
    )


def merged(suite: Suite, reports: Sequence[Report]) -> Report:
    """One report in the suite's order; of a gate that every part went through, the worst verdict."""
    first = min(reports, key=lambda one: one.started_at)
    verdicts = []
    for name, _check in named(suite):
        found = [verdict for one in reports for verdict in one.verdicts if verdict.name == name]
        verdicts.append(min(found, key=lambda one: one.outcome != "failed"))
    return Report(
        first.suite, first.suite_digest, first.subject, first.target_time, first.started_at, tuple(verdicts)
    )
