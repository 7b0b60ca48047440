"""Room and time of a restore, told before it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbrestore import rates
from dbrestore.forecast import Forecast
from dbrestore.space import Need
from problem import Problem

MIB = 2**20


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFORGE_CACHE", str(tmp_path))


def test_what_takes_neither_room_nor_time_says_nothing() -> None:
    assert Forecast().lines() == []


def test_a_machine_without_measurements_says_so(tmp_path: Path) -> None:
    room, time = Forecast(
        (Need(tmp_path / "new", 3 * MIB),), (("copying", 3 * MIB), ("replaying", 0))
    ).lines()
    assert room.startswith(f"{tmp_path}/new: needs 3 MiB, ")
    assert time == "copying 3 MiB: no such work was measured on this machine yet, so its time is not known"


def test_the_times_of_the_phases_are_added_up() -> None:
    rates.record("copying", 100 * MIB, 1)
    rates.record("replaying", 100 * MIB, 4)
    (line,) = Forecast(work=(("copying", 100 * MIB), ("replaying", 100 * MIB))).lines()
    assert line == (
        "copying 100 MiB, replaying 100 MiB: about 5 s (2 s to 10 s) by one earlier run on this machine; "
        "and a few seconds for starts and checks"
    )


def test_a_phase_without_measurements_is_named() -> None:
    rates.record("copying", 100 * MIB, 1)
    (line,) = Forecast(work=(("copying", 100 * MIB), ("replaying", MIB))).lines()
    assert line.endswith("on this machine, without replaying; and a few seconds for starts and checks")


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="does not fit"):
        Forecast((Need(tmp_path, 2**60),)).lines()
