"""Rows of a table in pieces: nothing is lost between them, and a table without its end is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dbrestore.logical.rows import END, Rows
from dbrestore.logical.tabledata import SHARED_FROM, shared
from problem import Problem

MIB = 1 << 20


def rows(*chunks: bytes) -> Rows:
    """Of a table whose data is unpacked in these chunks."""

    def unpacked(_entry: object, _stored: Callable[[int], None]) -> Iterator[bytes]:
        yield from chunks

    data: Any = SimpleNamespace(dump=SimpleNamespace(path=Path("/dump")), chunks=unpacked)
    entry: Any = SimpleNamespace(label="TABLE DATA public.t")
    return Rows(data, entry, lambda _count: None)


def pieces(table: Rows) -> list[bytes]:
    return list(iter(table.take, b""))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
def test_every_piece_ends_with_a_row_however_the_data_is_cut(size: int) -> None:
    clear = b"".join(b"%d\tvalue\\n\n" % number for number in range(20))
    whole = clear + END
    table = rows(*(whole[at : at + size] for at in range(0, len(whole), size)))
    found = pieces(table)
    assert b"".join(found) == clear
    assert all(piece.endswith(b"\n") for piece in found)
    assert table.count == 20


def test_a_table_without_rows_gives_nothing() -> None:
    table = rows(END)
    assert pieces(table) == []
    assert table.count == 0


def test_empty_rows_are_rows() -> None:
    table = rows(b"\n\n\n" + END)
    assert b"".join(pieces(table)) == b"\n\n\n"
    assert table.count == 3


@pytest.mark.parametrize("chunks", [[], [b"1\n2\n"], [b"1\n2", END], [b"1\n", END[:-1]]])
def test_data_that_breaks_off_is_told_with_the_table(chunks: Sequence[bytes]) -> None:
    with pytest.raises(Problem) as caught:
        pieces(rows(*chunks))
    assert caught.value.name == "dump-truncated"
    assert "public.t" in caught.value.what


def test_several_takers_get_every_row_once() -> None:
    clear = [b"%d\n" % number for number in range(5000)]
    table = rows(*clear, END)
    with ThreadPoolExecutor(4) as pool:
        takers = [pool.submit(pieces, table) for _ in range(4)]
    taken = [row for taker in takers for piece in taker.result() for row in piece.splitlines(True)]
    assert sorted(taken) == sorted(clear)
    assert table.count == 5000


@pytest.mark.parametrize(
    ("size", "total", "jobs", "together"),
    [
        (600 * MIB, 1000 * MIB, 2, True),
        (400 * MIB, 1000 * MIB, 2, False),
        (400 * MIB, 1000 * MIB, 4, True),
        (600 * MIB, 1000 * MIB, 1, False),
        (SHARED_FROM - 1, SHARED_FROM, 2, False),
    ],
)
def test_a_table_is_shared_where_it_is_more_than_one_connections_part(
    size: int, total: int, jobs: int, together: bool
) -> None:
    assert shared(size, total, jobs) is together
