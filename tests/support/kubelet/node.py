"""A node in one process: the job controller's and the kubelet's rounds, one after the other."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.functional.kubernetes.cluster import Cluster
from tests.support.ground import scratch, wait_until
from tests.support.kubelet.container import separate
from tests.support.kubelet.job_controller import JobController
from tests.support.kubelet.kubelet import Container, Image, Kubelet

ROOT = Path(__file__).parents[3]
IMAGE = "registry.invalid/reforge:test"
_EVERY_SECONDS = 0.05


def image() -> Image:
    """This working tree as the Dockerfile would pack it: nothing but PATH is brought along."""
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    return Image({"PATH": path}, ROOT)


@dataclass
class Node:
    """What works in the cluster, until the test is over."""

    jobs: JobController
    kubelet: Kubelet
    _ends: threading.Event = field(default_factory=threading.Event)
    failed: list[BaseException] = field(default_factory=list)

    def run(self) -> None:
        try:
            while not self._ends.wait(_EVERY_SECONDS):
                self.jobs.once()
                self.kubelet.once()
        except BaseException as error:
            self.failed.append(error)

    def stop(self) -> None:
        self._ends.set()

    def container(self, words: str, where: Callable[[Container], bool] = lambda _one: True) -> Container:
        """The running container whose pod's name has these words in it; waits for it."""

        def found() -> Container | None:
            assert not self.failed, self.failed
            of = ((name, one) for name, one in list(self.kubelet.containers.items()) if words in name)
            return next((one for _name, one in of if one.process.poll() is None and where(one)), None)

        return wait_until(found, 60, f"a container of {words}")  # type: ignore[no-any-return]


def require_namespaces() -> None:
    """Passes the test by where this machine does not let processes have namespaces of their own."""
    child = os.fork()
    if not child:
        try:
            separate()
        except BaseException:
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        pytest.skip("containers are stood in for by namespaces, and this machine does not allow them")


@contextmanager
def node(cluster: Cluster, images: Mapping[str, Image] | None = None) -> Iterator[Node]:
    """A node at work in the cluster's namespace."""
    require_namespaces()
    with scratch("reforge-node-") as folder:
        kubelet = Kubelet(cluster, folder, {IMAGE: image()} if images is None else images)
        kubelet.open()
        made = Node(JobController(cluster), kubelet)
        thread = threading.Thread(target=made.run)
        thread.start()
        try:
            yield made
        finally:
            made.stop()
            thread.join()
            kubelet.close()
    assert not made.failed, made.failed
