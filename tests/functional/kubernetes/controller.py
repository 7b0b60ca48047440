"""In place of the controllers and the kubelet: makes a workload's pods, marks them ready, ends them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.functional.kubernetes.cluster import Body, Cluster

_EVERY_SECONDS = 0.05


@dataclass
class Controller:
    """Keeps the pods of one workload as its spec says, until ``ends`` is set.

    ``unready`` is a reason that keeps new pods from getting ready; ``stuck`` keeps old ones from ending.
    """

    cluster: Cluster
    name: str
    kind: str = "Deployment"
    unready: str = ""
    stuck: bool = False
    ends: threading.Event = field(default_factory=threading.Event)
    seen: set[int] = field(default_factory=set)
    """Replicas that were asked for at one time or another."""
    _made: int = 0
    _uid: str = ""
    """Of the workload, as it was last seen."""

    def run(self) -> None:
        while not self.ends.wait(_EVERY_SECONDS):
            try:
                self.once()
            except AssertionError:
                if self.cluster.find(self.kind, self.name):  # else deleted meanwhile, as the next round sees
                    raise

    def once(self) -> None:
        """One round: what is of another template goes once all of the new one are ready.

        Pods of a workload that was deleted go, as the garbage collector has it.
        """
        workload = self.cluster.find(self.kind, self.name)
        if workload is None:
            for pod in filter(self._is_own, self.cluster.all("Pod")):
                self.cluster.remove("Pod", pod["metadata"]["name"])
            return
        self._uid = workload["metadata"]["uid"]
        wanted = workload["spec"].get("replicas", 1)
        self.seen.add(wanted)
        pods = [pod for pod in self.cluster.all("Pod") if self._is_own(pod)]
        new = [pod for pod in pods if self._is_new(pod, workload)]
        for _ in range(wanted - len(new)):
            self._add(workload)
        ready = sum("conditions" in pod["status"] for pod in new)
        surplus = new[wanted:] + ([pod for pod in pods if pod not in new] if ready >= wanted else [])
        for pod in surplus if not self.stuck else []:
            self.cluster.remove("Pod", pod["metadata"]["name"])
        status = {"observedGeneration": workload["metadata"]["generation"], "replicas": len(pods)}
        status |= {"updatedReplicas": len(new), "readyReplicas": ready, "availableReplicas": ready}
        self.cluster.merge(self.kind, self.name, {"status": status}, "status", by="controller")

    def _is_own(self, pod: Body) -> bool:
        return any(one["uid"] == self._uid for one in pod["metadata"].get("ownerReferences", []))

    def _is_new(self, pod: Body, workload: Body) -> bool:
        template, found = workload["spec"]["template"]["metadata"], pod["metadata"]
        return all(found.get(name) == template.get(name) for name in ("annotations", "labels"))

    def _add(self, workload: Body) -> None:
        self._made += 1
        template, name = workload["spec"]["template"], f"{self.name}-{self._made}"
        owner = {"apiVersion": "apps/v1", "kind": self.kind, "name": self.name, "uid": self._uid}
        metadata = {"labels": template["metadata"]["labels"], "ownerReferences": [owner]}
        if annotations := template["metadata"].get("annotations"):
            metadata["annotations"] = annotations
        self.cluster.make("Pod", name, by="controller", metadata=metadata, spec=template["spec"])
        status: Body = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        if self.unready:
            waiting = {"waiting": {"reason": self.unready}}
            one = {
                "name": "app",
                "ready": False,
                "restartCount": 3,
                "image": "i",
                "imageID": "",
                "state": waiting,
            }
            status = {"phase": "Running", "containerStatuses": [one]}
        self.cluster.merge("Pod", name, {"status": status}, "status", by="kubelet")


@contextmanager
def controlled(cluster: Cluster, name: str = "etl", **options: object) -> Iterator[Controller]:
    """A controller at work on a workload, which has its pods already."""
    controller = Controller(cluster, name, **options)  # type: ignore[arg-type] # its own fields
    controller.once()
    controller.once()
    thread = threading.Thread(target=controller.run)
    thread.start()
    try:
        yield controller
    finally:
        controller.ends.set()
        thread.join()
