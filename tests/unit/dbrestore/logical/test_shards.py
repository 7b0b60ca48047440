"""Tables dealt out by their sizes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from dbrestore.logical.entries import Entry
from dbrestore.logical.shards import shards

SIZES = some.lists(some.integers(0, 10**12), max_size=40)


def dealt(sizes: list[int], count: int) -> list[list[int]]:
    entries = [Entry(number, "TABLE DATA", "s", str(number)) for number in range(len(sizes))]
    return [[one.number for one in lot] for lot in shards(entries, lambda one: sizes[one.number], count)]


@given(SIZES, some.integers(1, 9))
def test_every_table_is_in_one_lot_and_the_largest_lot_is_near_the_best(sizes: list[int], count: int) -> None:
    lots = dealt(sizes, count)
    assert len(lots) == count
    assert sorted(number for lot in lots for number in lot) == list(range(len(sizes)))
    largest = max(sum(sizes[number] for number in lot) for lot in lots)
    bound = max([sum(sizes) / count, *sizes])
    assert largest <= bound * 4 / 3 + 1 or largest <= sum(sizes) / count + max(sizes) * (1 - 1 / count)


def test_large_tables_lie_apart_and_small_ones_fill_up() -> None:
    assert dealt([10, 70, 30, 60, 30], 3) == [[1], [3, 0], [2, 4]]


def test_tables_of_unknown_sizes_are_spread_all_the_same() -> None:
    assert [len(lot) for lot in dealt([0] * 7, 3)] == [3, 2, 2]
