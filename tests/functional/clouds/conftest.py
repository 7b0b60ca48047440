"""AWS for the tests of a module, empty before each."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.aws.cloud import Cloud, cloud
from tests.support.ground import scratch


@pytest.fixture(scope="module")
def _server() -> Iterator[Cloud]:
    """Gone with its environment before the next module looks for another AWS."""
    with scratch("reforge-aws-") as folder, cloud(folder) as server:
        yield server


@pytest.fixture
def aws(_server: Cloud) -> Cloud:
    httpx.post(f"{_server.url}/moto-api/reset", timeout=10).raise_for_status()
    _server.forget()
    return _server
