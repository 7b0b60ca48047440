"""A cluster with a node that runs Jobs without containers, a dump in an object store, and empty databases."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from dbrestore.jobs import running
from tests.functional.kubernetes.cluster import Cluster, documented_role
from tests.functional.kubernetes.conftest import cluster, kubebox, quick_looks
from tests.functional.runner.site import Site
from tests.support.buckets import KEYS, s3
from tests.support.dumps import Dumped
from tests.support.ground import folder, scratch
from tests.support.kubelet.node import Node, node
from tests.support.servers import Postgres

__all__ = ["cluster", "kubebox", "quick_looks"]


@pytest.fixture(scope="package")
def site() -> Iterator[Site]:
    with scratch() as place, Postgres(folder(place / "pg")) as server, s3(folder(place / "s3")) as bucket:
        yield Site(Dumped.make(server, place / "dumps"), bucket)


@pytest.fixture
def at_work(cluster: Cluster, site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    monkeypatch.setattr(running, "POLL_SECONDS", 0.1)
    cluster.allow(documented_role("runner"))
    secret = {**{name: os.environ[name] for name in KEYS}}
    cluster.make("Secret", "store", stringData=secret)
    with node(cluster) as found:
        yield found
