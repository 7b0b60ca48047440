"""The incident that the tests of a file share; each leaves it as it found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import incident as support


@pytest.fixture(scope="module")
def incident() -> Iterator[support.Incident]:
    with support.incident() as made:
        yield made
