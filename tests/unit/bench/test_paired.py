"""How two ways are timed in turn, and what is told of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bench.paired import Pair, alternated, paired, timed


def test_both_run_in_turn_and_the_first_pair_does_not_count() -> None:
    order: list[str] = []
    found = paired(lambda: order.append("a"), lambda: order.append("b"), runs=2)
    assert order == ["a", "b"] * 3
    assert (len(found.ours), len(found.theirs)) == (2, 2)


def test_parts_that_both_measure_are_paired() -> None:
    def ours() -> Mapping[str, float]:
        return {"total": next(seconds), "own": 1.0}

    seconds: Iterator[float] = iter([9.0, 2.0, 4.0])
    found = alternated(ours, lambda: {"total": 8.0}, runs=2)
    assert found == {"total": Pair((2.0, 4.0), (8.0, 8.0))}
    assert found["total"].ratio == 0.375
    assert found["total"].difference == -5.0


def test_a_line_tells_medians_ratio_difference_and_speed() -> None:
    pair = Pair((2.0,), (4.0,))
    assert pair.line("copy").split() == ["copy", "2.000", "s", "4.000", "s", "x", "0.50", "-2.000", "s"]
    assert pair.speed("copy").endswith("(2.00 times as fast)")


def test_work_is_timed() -> None:
    assert 0 <= timed(lambda: None) < 1
