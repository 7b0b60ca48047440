"""Fixtures of every level of tests; servers are in ``tests/support/servers.py``."""

from __future__ import annotations

# isort: off
import dbrestore.protobuf  # noqa: F401 - tests of the program and of object stores share a process

# isort: on
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.golden import reads_as
from tests.support.servers import scratch

# A time limit says how busy the machine is, not whether the code is right.
settings.register_profile("reforge", deadline=None)
settings.load_profile("reforge")


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """A folder that a server's own account can reach (``tmp_path`` lies under a 0700 one)."""
    with scratch() as path:
        yield path


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden texts anew, to be reviewed in git diff"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Holds a text against a golden file."""
    update = bool(request.config.getoption("--update-golden"))
    return lambda file, text: reads_as(file, text, update)
