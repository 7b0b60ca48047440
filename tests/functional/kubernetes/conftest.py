"""One API server for the tests of this folder, and for each test a namespace of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbrestore.kubernetes import fights, pods
from tests.functional.kubernetes.cluster import Cluster
from tests.support.ground import scratch
from tests.support.kubebox.server import Kubebox


@pytest.fixture(scope="session")
def kubebox() -> Iterator[Kubebox]:
    with scratch() as path, Kubebox(path) as server:
        yield server


@pytest.fixture
def cluster(kubebox: Kubebox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setenv("KUBECONFIG", str(kubebox.kubeconfig))
    with Cluster.anew(kubebox) as found:
        yield found


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here takes as long as in a cluster."""
    monkeypatch.setattr(pods, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(fights, "_GRACE", 0.3)
