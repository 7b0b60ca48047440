"""One fault site a worker, and the table that is made of the cells' own results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import table
from tests.faults.site import FaultSite
from tests.faults.site import fault_site as made_site


@pytest.fixture(scope="session")
def fault_site() -> Iterator[FaultSite]:
    with made_site() as site:
        yield site


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-table", type=Path, help="write the matrix of faults with its results there")


def pytest_configure(config: pytest.Config) -> None:
    target = config.getoption("--fault-table", default=None)
    if target and not hasattr(
        config, "workerinput"
    ):  # the results come together where xdist has its controller
        config.pluginmanager.register(_Results(target))


class _Results:
    """Hears of every cell, wherever it ran."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._held: set[tuple[str, ...]] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        rows = [str(value) for name, value in report.user_properties if name == "row"]
        if report.when == "call" and report.passed:
            self._held |= {tuple(row.split("\t")) for row in rows}

    def pytest_sessionfinish(self) -> None:
        self._target.write_text(table.page(self._held))
