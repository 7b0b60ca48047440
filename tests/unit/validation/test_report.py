"""A report as text, JSON, JUnit XML and digest."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree

import pytest

from problem import Problem
from validation.connections import Address
from validation.report import Report, Verdict, digest_of

GOOD = Verdict("connectivity", "connectivity", "passed", "PostgreSQL answers", (), {"version": "15.1"}, 0.01)
BAD = Verdict("users", "row-counts", "failed", "rows: 3", ("3 rows in \x00<users>", "more"), {"rows": 3}, 1.5)
SKIPPED = Verdict("newest", "newest", "skipped", "no target time", (), {}, 0.0)
NOW = datetime(2025, 12, 3, 14, 23, tzinfo=UTC)


def report(*verdicts: Verdict) -> Report:
    return Report("starforge", "sha256:00", Address("127.0.0.1", 5433, "starforge"), NOW, NOW, verdicts)


def test_text_names_each_check_and_what_is_wrong() -> None:
    lines = report(GOOD, BAD, SKIPPED).text
    assert lines[0] == "starforge on 127.0.0.1:5433/starforge"
    assert lines[1].startswith("ok    connectivity")
    assert lines[2].startswith("FAIL  users")
    assert lines[3] == "      - 3 rows in \x00<users>"
    assert lines[5].startswith("skip  newest")
    assert lines[-1] == "failed: 1 of 3 checks (users), 1 skipped (newest)"


def test_a_run_passes_when_something_passed_and_nothing_failed() -> None:
    assert report(GOOD, SKIPPED).passed
    assert report(GOOD, SKIPPED).conclusion == "passed: 1 checks, 1 skipped (newest)"
    assert not report(GOOD, BAD).passed
    assert report(GOOD, BAD).failures == (BAD,)
    assert not report(SKIPPED).passed
    assert report(SKIPPED).conclusion == "failed: no check passed, 1 skipped (newest)"


def test_a_database_that_was_not_reached_is_told_from_one_that_failed() -> None:
    shut = replace(GOOD, outcome="failed", summary="no way in")
    assert report(shut, SKIPPED).unreached == shut
    assert report(shut, BAD).unreached is None
    assert report(BAD, SKIPPED).unreached is None
    assert report(GOOD, SKIPPED).unreached is None


def test_the_digest_of_the_file_is_the_digest_of_the_run() -> None:
    run = report(GOOD, BAD)
    assert run.digest.startswith("sha256:")
    assert digest_of(json.loads(run.json())) == run.digest


@pytest.mark.parametrize("change", [{"outcome": "passed"}, {"facts": {"rows": 4}}, {"complaints": ()}])
def test_the_digest_changes_with_every_finding(change: dict[str, object]) -> None:
    assert report(GOOD, replace(BAD, **change)).digest != report(GOOD, BAD).digest  # type: ignore[arg-type]


def test_the_digest_does_not_change_with_durations_or_the_zone_of_a_time() -> None:
    run = report(GOOD)
    assert report(replace(GOOD, seconds=9.0)).digest == run.digest
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert replace(run, started_at=elsewhere, target_time=elsewhere).digest == run.digest
    assert replace(run, target_time=None).digest != run.digest


def test_an_altered_file_is_found() -> None:
    document = json.loads(report(GOOD, BAD).json())
    document["finding"]["checks"][1]["outcome"] = "passed"
    with pytest.raises(Problem) as caught:
        digest_of(document)
    assert caught.value.name == "report-altered"
    with pytest.raises(Problem, match="no report of the format"):
        digest_of({"format": "other"})


def test_junit_is_xml_that_counts_and_names_failures() -> None:
    suite = ElementTree.fromstring(report(GOOD, BAD, SKIPPED).junit())[0]  # noqa: S314 - our own text
    assert {key: suite.get(key) for key in ("tests", "failures", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "skipped": "1",
    }
    good, bad, skipped = suite.findall("testcase")
    assert good.get("classname") == "starforge.connectivity"
    assert len(good) == 0
    failure = bad.find("failure")
    assert failure is not None
    assert failure.get("message") == "3 rows in \ufffd<users>"
    assert failure.text is not None
    assert "more" in failure.text
    assert skipped.find("skipped") is not None
