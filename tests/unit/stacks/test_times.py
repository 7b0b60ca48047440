"""Times of the config: never without a zone, never through YAML's own reading of a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from io import StringIO

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some
from ruamel.yaml import YAML

from stacks.model import parse
from tests.unit.stacks.examples import restored, the_line

ZONES = some.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = some.datetimes(min_value=datetime(1900, 1, 2), max_value=datetime(2200, 1, 1), timezones=ZONES)
WITHOUT_ZONE = some.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1))


def time_of(text: object) -> str:
    """A restore's time as the model keeps it."""
    config = parse(restored({"time": text}))
    return str(config.restores["r"].from_.time)


@given(MOMENTS)
def test_a_time_with_a_zone_keeps_its_moment_and_is_told_in_utc(moment: datetime) -> None:
    kept = time_of(moment.isoformat())
    assert datetime.fromisoformat(kept) == moment
    assert kept.endswith("Z")
    assert time_of(kept) == kept


@given(WITHOUT_ZONE)
def test_a_time_without_a_zone_is_refused_and_the_advice_is_accepted(moment: datetime) -> None:
    text = moment.isoformat()
    line = the_line(restored({"time": text}))
    assert line.startswith(f"reforge:restores.r.from.time: {text!r} has no zone; write ")
    utc, offset = (
        line.removesuffix(", in quotes").partition("write ")[2].split(" for UTC, or an offset like ")
    )
    assert datetime.fromisoformat(time_of(utc)) == moment.replace(tzinfo=UTC)
    assert datetime.fromisoformat(time_of(offset)) == moment.replace(tzinfo=timezone(timedelta(hours=1)))


def readings(written: str) -> list[object]:
    """What the readers of YAML that the command line uses make of unquoted text."""
    return [YAML().load(StringIO(f"at: {written}"))["at"], yaml.safe_load(f"at: {written}")["at"]]


@pytest.mark.parametrize("written", ["2025-12-03T14:23:00Z", "2025-12-03 14:23:00+01:00", "2025-12-03"])
def test_a_time_without_quotes_is_refused_alike_by_every_reader_of_the_yaml(written: str) -> None:
    for read in readings(written):
        assert the_line(restored({"time": read})) == (
            "reforge:restores.r.from.time: stands there without quotes; "
            'write it as a string with its zone: "2025-12-03T14:23:00Z"'
        )


@pytest.mark.parametrize("written", ["2025-12-03T14:23:00", "2025-12-03T14:23:00.5"])
def test_without_quotes_and_zone_it_is_refused_as_with_quotes_since_the_engine_reads_both_alike(
    written: str,
) -> None:
    expected = the_line(restored({"time": written})).replace(".5", ".500000")
    assert [the_line(restored({"time": read})) for read in readings(written)] == [expected] * 2


@pytest.mark.parametrize(
    "printed",
    [
        "2025-12-03 14:23:00 +0000 UTC",
        "2025-12-03 14:23:00.5 +0000 UTC",
        "2025-12-03 14:23:00 +0100 +0100",
        "2025-12-03 14:23:00 +0100 CET",
    ],
)
def test_a_time_that_the_engine_read_without_quotes_is_refused_in_the_same_words(printed: str) -> None:
    assert "stands there without quotes" in the_line(restored({"time": printed}))


def test_a_day_alone_is_not_given_an_advice_that_would_be_refused() -> None:
    line = the_line(restored({"time": "2025-12-03"}))
    assert "2025-12-03Z" not in line
    assert line.endswith("write it like 2025-12-03T14:23:00Z")


@pytest.mark.parametrize(
    "text", ["yesterday", "2025-13-03T14:23:00Z", "2025-12-03 14:23:00 UTC", "1764771780", "", 5, True]
)
def test_what_is_no_time_is_refused_with_an_example(text: object) -> None:
    line = the_line(restored({"time": text}))
    assert line.endswith("is not a time; write it like 2025-12-03T14:23:00Z")


def test_a_time_that_no_calendar_can_hold_in_utc_is_refused() -> None:
    assert "is not a time" in the_line(restored({"time": "0001-01-01T00:00:00+14:00"}))


def test_the_times_of_acceptance_obey_the_same_rule() -> None:
    waived = {"at": "2025-12-03T14:23:00", "by": "ada", "reason": "because it is known good"}
    line = the_line(restored({"latest": True}, waived=waived))
    assert line.startswith("reforge:restores.r.waived.at: '2025-12-03T14:23:00' has no zone")
