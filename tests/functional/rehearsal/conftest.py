"""One running site for the tests of a file, each of which leaves it as it found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rehearsal.site import Site
from tests.support.servers import scratch


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with scratch("reforge-test-site-") as home, Site.create(home) as made:
        yield made
