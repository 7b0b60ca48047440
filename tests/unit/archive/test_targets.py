"""Targets: zone-proof times, and wrong values refused before anything is looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from archive.targets import Target, iso, utc
from problem import Misuse


@pytest.mark.parametrize(
    "text", ["2025-12-03T14:23:00Z", "2025-12-03T15:23:00+01:00", "2025-12-03 09:23-05:00"]
)
def test_the_same_moment_in_any_zone_is_the_same_setting(text: str) -> None:
    target = Target("time", text)
    assert target.time == datetime(2025, 12, 3, 14, 23, tzinfo=UTC)
    assert target.setting() == "2025-12-03 14:23:00.000000+00"


def test_a_time_without_a_zone_is_refused_and_shows_how_to_write_one() -> None:
    with pytest.raises(Misuse, match="no time zone: write 2025-12-03T14:23:00Z for UTC"):
        Target("time", "2025-12-03T14:23:00")
    with pytest.raises(Misuse, match="no time zone: write 2025-12-03T00:00:00Z for UTC"):
        Target("time", "2025-12-03")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"kind": "time", "value": "yesterday"}, "not an ISO 8601 time"),
        ({"kind": "time"}, "needs a value"),
        ({"kind": "latest", "value": "now"}, "takes no value"),
        ({"kind": "xid", "value": "-5"}, "not a transaction id"),
        ({"kind": "xid", "value": "٣"}, "not a transaction id"),
        ({"kind": "lsn", "value": "12"}, "not a WAL location"),
        ({"kind": "name", "value": "ä" * 32}, "more than 63 bytes"),
        ({"kind": "snapshot", "value": ""}, "needs a value"),
    ],
)
def test_a_wrong_value_is_refused_in_words(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Misuse, match=complaint):
        Target(**arguments)


def test_a_transaction_id_loses_the_epoch_that_wal_does_not_know() -> None:
    assert Target("xid", str((3 << 32) + 727)).xid == 727


@pytest.mark.parametrize(
    ("target", "setting", "words"),
    [
        (Target("lsn", "0/03000150"), "0/3000150", "LSN 0/03000150"),
        (Target("xid", "727"), "727", "transaction 727"),
        (Target("name", "before-accident"), "before-accident", "restore point before-accident"),
        (Target("latest"), "", "the latest state"),
        (Target("snapshot", "b1"), "b1", "base backup b1"),
        (
            Target("time", "2025-12-03T14:23:00Z"),
            "2025-12-03 14:23:00.000000+00",
            "the target time 2025-12-03 14:23:00.000000 UTC",
        ),
    ],
)
def test_a_target_speaks_to_postgresql_and_to_people(target: Target, setting: str, words: str) -> None:
    assert (target.setting(), str(target)) == (setting, words)


def test_moments_are_shown_in_utc() -> None:
    moment = datetime.fromisoformat("2025-12-03T15:23:00.5+01:00")
    assert utc(moment) == "2025-12-03 14:23:00.500000 UTC"
    assert iso(moment) == "2025-12-03T14:23:00.500000Z"
