"""In place of the job controller and the garbage collector: pods of Indexed Jobs, and the Jobs' status.

As far as Reforge's Jobs go: one pod an index and successors of failed ones within backoffLimitPerIndex
(without the wait between), podFailurePolicy, the deadline, and pods that go with their Job.
https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.functional.kubernetes.cluster import Body, Cluster
from tests.support.kubelet.kubelet import NODE, report

INDEX = "batch.kubernetes.io/job-completion-index"


@dataclass
class JobController:
    """``node`` is where pods are bound to, as a scheduler would; None leaves them unbound."""

    cluster: Cluster
    node: str | None = NODE
    unschedulable: str = ""
    quota: bool = False
    """Whether the namespace has no room for another pod."""
    made: list[str] = field(default_factory=list)
    """Names of all pods that were ever made."""

    def once(self) -> None:
        jobs = {job["metadata"]["uid"]: job for job in self.cluster.all("Job")}
        pods = [pod for pod in self.cluster.all("Pod") if pod["metadata"].get("ownerReferences")]
        for pod in pods:
            if pod["metadata"]["ownerReferences"][0]["uid"] not in jobs:
                self._collect(pod)
        for uid, job in jobs.items():
            if not _conditions(job):
                self._sync(job, [pod for pod in pods if pod["metadata"]["ownerReferences"][0]["uid"] == uid])

    def _collect(self, pod: Body) -> None:
        if not pod["metadata"].get("deletionTimestamp"):
            path = self.cluster.path("Pod", pod["metadata"]["name"])
            self.cluster.http.request("DELETE", path)

    def _sync(self, job: Body, pods: list[Body]) -> None:
        started = job.get("status", {}).get("startTime")
        if not started:
            self._status(job, {"startTime": _now()})
            return
        if reason := self._hopeless(job, pods, started):
            self._fail(job, pods, reason)
            return
        done = sorted({_index(pod) for pod in pods if pod["status"]["phase"] == "Succeeded"})
        at_work = {_index(pod) for pod in pods if pod["status"]["phase"] in ("Pending", "Running")}
        if len(done) == job["spec"]["completions"]:
            self._complete(job, done)
            return
        free = 0 if self.quota else job["spec"]["parallelism"] - len(at_work)
        waiting = [one for one in range(job["spec"]["completions"]) if one not in at_work and one not in done]
        for index in waiting[: max(0, free)]:
            self._add(job, index)
        counted = {"active": len(at_work), "succeeded": len(done), "completedIndexes": _listed(done)}
        self._status(job, counted)

    def _hopeless(self, job: Body, pods: list[Body], started: str) -> tuple[str, str] | None:
        age = (datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds()
        if age > job["spec"]["activeDeadlineSeconds"]:
            return "DeadlineExceeded", "Job was active longer than specified deadline"
        failed = [pod for pod in pods if pod["status"]["phase"] == "Failed" and not _disrupted(pod)]
        ends = job["spec"]["podFailurePolicy"]["rules"][1]["onExitCodes"]["values"]
        for pod in failed:
            if (code := _exit_code(pod)) in ends:
                return (
                    "PodFailurePolicy",
                    f"Container work for pod {pod['metadata']['name']} failed with exit code {code}",
                )
        counts = [sum(_index(pod) == index for pod in failed) for index in range(job["spec"]["completions"])]
        if max(counts) > job["spec"]["backoffLimitPerIndex"]:
            return (
                "MaxFailedIndexesExceeded",
                "Job has exceeded the specified maximal number of failed indexes",
            )
        return None

    def _add(self, job: Body, index: int) -> None:
        template, name = job["spec"]["template"], job["metadata"]["name"]
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"]}
        numbered = {INDEX: str(index)}
        metadata = {
            "labels": {**template["metadata"]["labels"], **numbered},
            "annotations": numbered,
            "ownerReferences": [{**owner, "controller": True}],
        }
        source = {"fieldRef": {"fieldPath": f"metadata.annotations['{INDEX}']"}}
        variable = {"name": "JOB_COMPLETION_INDEX", "valueFrom": source}
        [container] = template["spec"]["containers"]
        container = {**container, "env": [*container["env"], variable]}
        spec = {**template["spec"], "containers": [container], "hostname": f"{name}-{index}"}
        spec |= {"nodeName": self.node} if self.node else {}
        self.made.append(f"{name}-{index}-{secrets.token_hex(3)[:5]}")
        self.cluster.make("Pod", self.made[-1], by="job-controller", metadata=metadata, spec=spec)
        if self.unschedulable:
            one = {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": self.unschedulable,
            }
            report(self.cluster, ("Pod", self.made[-1]), {"conditions": [one]}, "scheduler")

    def _complete(self, job: Body, done: list[int]) -> None:
        conditions = [
            _condition("SuccessCriteriaMet", "CompletionsReached", ""),
            _condition("Complete", "CompletionsReached", ""),
        ]
        counted = {"active": 0, "succeeded": len(done), "completedIndexes": _listed(done)}
        self._status(job, {**counted, "completionTime": _now(), "conditions": conditions})

    def _fail(self, job: Body, pods: list[Body], reason: tuple[str, str]) -> None:
        """First what still works is ended; only then has the Job failed."""
        if at_work := [pod for pod in pods if pod["status"]["phase"] in ("Pending", "Running")]:
            for pod in at_work:
                self._collect(pod)
            return
        conditions = [_condition(kind, *reason) for kind in ("FailureTarget", "Failed")]
        self._status(job, {"active": 0, "conditions": conditions})

    def _status(self, job: Body, status: Body) -> None:
        report(self.cluster, ("Job", job["metadata"]["name"]), status, "job-controller")


def _conditions(job: Body) -> set[str]:
    return {one["type"] for one in job.get("status", {}).get("conditions", ())} & {"Complete", "Failed"}


def _condition(kind: str, reason: str, message: str) -> Body:
    at = {"lastTransitionTime": _now(), "lastProbeTime": _now()}
    return {"type": kind, "status": "True", "reason": reason, "message": message, **at}


def _index(pod: Body) -> int:
    return int(pod["metadata"]["annotations"][INDEX])


def _exit_code(pod: Body) -> int | None:
    [one] = pod["status"].get("containerStatuses") or [{}]
    code: int | None = one.get("state", {}).get("terminated", {}).get("exitCode")
    return code


def _disrupted(pod: Body) -> bool:
    return any(one["type"] == "DisruptionTarget" for one in pod["status"].get("conditions", ()))


def _listed(indexes: list[int]) -> str:
    return ",".join(map(str, indexes))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
