"""A cluster in memory in place of the one that the kubeconfig names."""

from __future__ import annotations

import pytest

from dbrestore.kubernetes import api, fights, pods
from tests.unit.dbrestore.kubernetes.memory import Memory


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Memory:
    memory = Memory()
    monkeypatch.setattr(api, "client", lambda _cluster: memory)
    monkeypatch.setattr(pods, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(fights, "_GRACE", 0.01)
    return memory
