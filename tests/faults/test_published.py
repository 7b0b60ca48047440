"""The published table is of the cells that there are; `make faults` writes it anew."""

from __future__ import annotations

from pathlib import Path

from tests.faults import table
from tests.faults.matrix import cells

PAGE = Path(__file__).parents[2] / "docs/faults.md"


def test_every_cell_is_published_and_nothing_else_is() -> None:
    published = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    assert [line.removesuffix(table.UNPROVEN) for line in published] == [
        line for line in table.page({cell.row for cell in cells()}).splitlines() if line.startswith("| ")
    ]


def test_every_cell_is_one_test_and_one_row() -> None:
    known = cells()
    assert len(known) >= 200
    assert len({cell.id for cell in known}) == len(known)
    assert len({cell.row for cell in known}) == len(known)
