"""The tables of a dump dealt out to those who load them at the same time, by their sizes."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

from dbrestore.logical.entries import Entry


def shards(tables: Sequence[Entry], size: Callable[[Entry], int], count: int) -> list[list[Entry]]:
    """``count`` lots, the same in every process: each table, largest first, goes where the least is so far.

    No order of dealing is better than 4/3 of the best for sure (Graham 1969), and one table that is larger
    than a lot's share bounds them all.
    """
    lots: list[list[Entry]] = [[] for _ in range(count)]
    loads = [(0, 0, index) for index in range(count)]
    for table in sorted(tables, key=lambda one: (-size(one), one.number)):
        load, length, index = heapq.heappop(loads)
        lots[index].append(table)
        heapq.heappush(loads, (load + size(table), length + 1, index))
    return lots
