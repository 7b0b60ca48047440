"""A suite in parts, and the parts' reports made one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from problem import Problem
from validation.connections import Address
from validation.merging import merged, parts_of, report_of
from validation.report import Report, Verdict
from validation.runner import Part, named
from validation.suite import Suite, parse

CHECKS = """
name: shop
checks:
- connectivity
- schema
- unique
- references
- unique
"""
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def report(suite: Suite, part: Part, outcome: Any = "passed", **changes: Any) -> Report:
    verdicts = [
        Verdict(name, check.kind, outcome, f"by {part.index}", ("wrong",), {"n": [1, None]}, 0.25)
        for number, (name, check) in enumerate(named(suite), start=1)
        if part.has(number, check)
    ]
    return replace(Report(suite.name, suite.digest, Address("h", 1, "d"), AT, AT, tuple(verdicts)), **changes)


def test_a_report_read_back_is_the_same_report() -> None:
    made = report(parse(CHECKS), Part())
    assert report_of(made.document()) == made
    assert report_of(made.document()).digest == made.digest


def test_a_report_that_was_altered_is_not_taken() -> None:
    document = report(parse(CHECKS), Part()).document()
    document["finding"]["checks"][0]["outcome"] = "passed!"
    with pytest.raises(Problem) as caught:
        report_of(document)
    assert caught.value.name == "report-altered"


def test_parts_come_together_in_the_suites_order() -> None:
    suite = parse(CHECKS)
    parts = [report(suite, Part(index, 3), started_at=AT + timedelta(seconds=index)) for index in (2, 0, 1)]
    found = merged(suite, parts)
    assert [one.name for one in found.verdicts] == [
        "connectivity", "schema", "unique", "references", "unique (2)",
    ]  # fmt: skip
    assert found.started_at == AT
    assert [one.summary for one in found.verdicts[1:]] == ["by 2", "by 0", "by 1", "by 2"]


def test_a_gate_that_failed_for_one_part_has_failed() -> None:
    suite = parse(CHECKS)
    found = merged(suite, [report(suite, Part(0, 2)), report(suite, Part(1, 2), "failed")])
    assert found.verdicts[0].outcome == "failed"


def test_no_more_parts_than_checks_and_a_suite_that_writes_stays_whole() -> None:
    assert parts_of(parse(CHECKS), 2) == 2
    assert parts_of(parse(CHECKS), 99) == 4
    assert parts_of(parse("name: n\nchecks:\n- connectivity\n"), 8) == 1
    writes = CHECKS + '- sql: {name: w, query: "SELECT 1", expect: 1, write: true}\n'
    assert parts_of(parse(writes), 8) == 1
