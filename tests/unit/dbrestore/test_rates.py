"""Measured rates of earlier restores, and the estimate with its band that they give."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbrestore import rates

MIB = 2**20


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REFORGE_CACHE", str(tmp_path))
    return tmp_path / "rates.jsonl"


def test_a_phase_that_was_never_measured_has_no_estimate() -> None:
    rates.record("copying", 100 * MIB, 1)
    assert rates.estimate("replaying WAL", MIB) is None


def test_one_run_gives_a_wide_band() -> None:
    rates.record("copying", 100 * MIB, 2)
    assert rates.estimate("copying", 200 * MIB) == rates.Estimate(4, 2, 8, 1)


def test_the_band_holds_most_of_the_earlier_runs() -> None:
    for seconds in (1.0, 2.0, 2.0, 2.0, 10.0):
        rates.record("copying", 100 * MIB, seconds)
    found = rates.estimate("copying", 100 * MIB)
    assert found is not None
    assert (found.seconds, found.runs) == (2, 5)
    assert 1 < found.low < 2 < found.high < 10


def test_only_the_newest_runs_count() -> None:
    for _ in range(rates.NEWEST):
        rates.record("copying", 100 * MIB, 1)
    for _ in range(rates.NEWEST):
        rates.record("copying", 100 * MIB, 5)
    found = rates.estimate("copying", 100 * MIB)
    assert found is not None
    assert found.seconds == pytest.approx(5)


def test_runs_too_small_to_tell_a_rate_are_not_kept(cache: Path) -> None:
    rates.record("copying", rates.LEAST - 1, 0.001)
    rates.record("copying", 100 * MIB, 0)
    assert not cache.exists()


def test_what_a_killed_writer_left_of_a_line_is_passed_over(cache: Path) -> None:
    rates.record("copying", 100 * MIB, 2)
    with cache.open("a") as file:
        file.write('{"phase": "copying", "by\n{"phase": "copying"}\n[1]\n')
    assert rates.estimate("copying", 100 * MIB) == rates.Estimate(2, 1, 4, 1)


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("REFORGE_CACHE", str(tmp_path / "file"))
    rates.record("copying", 100 * MIB, 2)
    assert rates.estimate("copying", 1) is None


def test_estimates_of_phases_add_up_and_read_well() -> None:
    both = rates.Estimate(60, 40, 100, 3) + rates.Estimate(600, 300, 7300, 1)
    assert str(both) == "about 11 min (6 min to 2 h 3 min) by one earlier run on this machine"
    assert str(rates.Estimate(4, 0.2, 8, 4)) == "about 4 s (1 s to 8 s) by 4 earlier runs on this machine"
