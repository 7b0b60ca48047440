"""Durations, percentages and bounds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from validation.values import Bounds, in_units, parse_duration, parse_percent


@pytest.mark.parametrize(
    ("text", "seconds"), [("10m", 600), ("1h30m", 5400), ("500ms", 0.5), ("2d", 172800), ("1.5s", 1.5)]
)
def test_a_duration_has_its_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", [10, "10", "m", "10 m", "-1s", "10y", "0s", "400d", None])
def test_a_duration_without_sense_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_duration(value)


@pytest.mark.parametrize("text", ["0.5s", "30s", "10m", "1h30m", "2d1h", "1m5s"])
def test_a_duration_is_said_as_it_is_written(text: str) -> None:
    assert in_units(parse_duration(text)) == text


def test_a_percentage_is_a_fraction() -> None:
    assert parse_percent("5%") == 0.05
    assert parse_percent("0.5 %") == 0.005
    for wrong in ("5", 5, "101%", "-1%", 1.5):
        with pytest.raises(ValueError, match="must be a percentage"):
            parse_percent(wrong)


def test_bounds_say_what_was_expected() -> None:
    bounds = Bounds.model_validate({"at-least": 2, "at-most": 4})
    assert bounds.complaint(3, "rows") is None
    assert bounds.complaint(1, "rows") == "1 rows, expected at least 2"
    assert bounds.complaint(5, "rows") == "5 rows, expected at most 4"
    exact = Bounds.model_validate({"exactly": 0})
    assert exact.complaint(0, "rows") is None
    assert exact.complaint(1, "rows") == "1 rows, expected exactly 0"
    with pytest.raises(ValidationError):
        Bounds.model_validate({"at-least": -1})
