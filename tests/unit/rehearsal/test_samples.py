"""Stalls and failures are counted over exactly the requests that an interval touches."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rehearsal.starforge.load import outcome
from rehearsal.starforge.samples import Recorder, Sample, failed, longest_stall, read_samples, summary

SAMPLES = [
    Sample(10.0, 900, "read", "ok"),  # until 10.9
    Sample(20.0, 50, "write", "failed"),
    Sample(20.0, 20, "write", "refused"),
    Sample(30.0, 300, "read", "failed"),
]


def unix(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("since", "until", "stall", "failures"),
    [
        (10.5, 10.6, 900, 0),  # began before and ended after
        (10.9, 20.0, 900, 1),
        (11.0, 19.0, 0, 0),
        (15.0, 40.0, 300, 2),
    ],
)
def test_a_request_counts_where_any_part_of_it_lies_in_the_interval(
    since: float, until: float, stall: float, failures: int
) -> None:
    assert longest_stall(SAMPLES, unix(since), unix(until)) == stall
    assert failed(SAMPLES, unix(since), unix(until)) == failures


def test_the_summary_counts_each_outcome() -> None:
    assert summary(SAMPLES) == {
        "requests": 4,
        "ok": 1,
        "refused": 1,
        "failed": 2,
        "longest_stall_ms": 900,
    }


def test_samples_come_back_from_the_file_but_for_a_torn_last_line(tmp_path: Path) -> None:
    file = tmp_path / "samples.txt"
    recorder = Recorder(file)
    for sample in SAMPLES:
        recorder.add(sample)
    recorder.close()
    with file.open("a") as torn:
        torn.write("40.0 1")
    assert list(read_samples(file)) == SAMPLES


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (201, {}, "ok"),
        (503, {"error": "ingestion paused"}, "refused"),
        (503, {"error": "database unavailable"}, "failed"),
        (404, {}, "failed"),
        (0, {"error": "connection refused"}, "failed"),
    ],
)
def test_only_the_pause_is_no_failure(status: int, answer: dict[str, Any], expected: str) -> None:
    assert outcome(status, answer) == expected
