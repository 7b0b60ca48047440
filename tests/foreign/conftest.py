"""One specimen at a time: tests of the same one share it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.foreign.ground import Ground, ground


@pytest.fixture(scope="module")
def foreign(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """The specimen that the test is parametrised with."""
    with ground(request.param) as made:
        yield made
