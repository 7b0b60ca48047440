"""What loads into managed databases stand on: a server whose administrator is no superuser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.managed import Managed, managed
from tests.support.servers import Postgres, folder, scratch


@pytest.fixture(scope="module")
def kept() -> Iterator[Managed]:
    with scratch() as place, managed(Postgres(folder(place / "managed"))) as server:
        yield server


@pytest.fixture
def cloud(kept: Managed) -> Iterator[Managed]:
    yield kept
    kept.empty()
