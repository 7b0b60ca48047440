"""Lines of progress: phase, percent, rate and time left, a few times a second."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dbrestore import progress
from dbrestore.progress import Meter, size
from dbrestore.rates import Estimate, estimate

MIB = 2**20


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[float], None]:
    """Sets what the meter takes for the time."""
    monkeypatch.setenv("REFORGE_CACHE", str(tmp_path))
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, seconds)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (16 * MIB, "16 MiB"),
        (1536 * MIB, "1.5 GiB"),
        (2**42, "4096.0 GiB"),
    ],
)
def test_sizes_are_in_binary_units(count: int, words: str) -> None:
    assert size(count) == words


def test_a_line_says_how_far_how_fast_and_how_long_still(clock: Callable[[float], None]) -> None:
    told: list[str] = []
    meter = Meter("replaying WAL", 100 * MIB, told.append)
    clock(2.0)
    meter.reach(40 * MIB)
    assert told == ["replaying WAL 40 %, 40 MiB of 100 MiB, 20 MiB/s, 3 s left"]


def test_lines_are_told_a_few_times_a_second_only(clock: Callable[[float], None]) -> None:
    told: list[str] = []
    meter = Meter("copying", 100, told.append)
    for step in range(1, 101):
        clock(step / 100)
        meter.add(1)
    assert len(told) == 4
    assert told[-1].startswith("copying 100 %")


def test_the_end_says_how_much_and_how_long(clock: Callable[[float], None]) -> None:
    told: list[str] = []
    meter = Meter("copying", 16 * MIB, told.append)
    clock(1.25)
    meter.done()
    assert told == ["copying done: 16 MiB in 1.2 s"]
    assert estimate("copying", 32 * MIB) == Estimate(2.5, 1.25, 5, 1)


@pytest.mark.parametrize(
    ("count", "total", "line"),
    [
        (0, 100, "phase 0 %, 0 B of 100 B"),
        (0, 0, "phase 100 %, 0 B of 0 B"),
        (150, 100, "phase 100 %, 100 B of 100 B, 10 B/s, 0 s left"),
    ],
)
def test_nothing_done_nothing_to_do_and_more_than_foreseen_have_their_line(
    clock: Callable[[float], None], count: int, total: int, line: str
) -> None:
    meter = Meter("phase", total, lambda _line: None)
    meter.reach(count)
    assert meter.line(10) == line


def test_no_byte_is_lost_between_threads() -> None:
    meter = Meter("copying", 40_000, lambda _line: None)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: meter.add(1), range(40_000)))
    assert meter.line(1).startswith("copying 100 %, 39 KiB")
