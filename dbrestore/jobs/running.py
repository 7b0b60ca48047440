"""A Job from its beginning, or from where a killed run left it, to its results; then nothing is left."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from dbrestore.handler import Context
from dbrestore.jobs import faults
from dbrestore.jobs.manifest import MANAGED, SPEC, Body, Work, job, job_name, secret, spec_digest
from dbrestore.jobs.results import Result, result_of
from dbrestore.jobs.settings import Cluster
from dbrestore.kubernetes.answers import Conflict
from dbrestore.kubernetes.api import connect, interrupted
from dbrestore.kubernetes.kinds import JOB, POD, SECRET, Found, Kind
from problem import Problem, Refusal

POLL_SECONDS = 2.0
GRACE_SECONDS = 120.0
"""How long after a Job's own deadline its end may take to show."""
_LOG_TRIES = 15
INDEX = "batch.kubernetes.io/job-completion-index"


class Running:
    """One piece of work as a Job. ``target``: the database, which keeps stacks apart."""

    def __init__(self, work: Work, cluster: Cluster, target: str, context: Context) -> None:
        self._work, self._cluster, self._context = work, cluster, context
        self._api = connect(cluster.cluster, context)
        self._name = job_name(work.name, work.verb, work.step, target)
        self._logs, self._seen = True, dict[str, float]()

    def results(self) -> list[Result]:
        """Of each pod by its index. The Job goes, with its Secret, whatever comes of it.

        A kill of ours leaves both at work, for the next run to find. Problem ``runner-...``, or whatever the
        pods themselves ended with.
        """
        found = self._started()
        try:
            results = self._gathered(self._ended(found))
        except BaseException as error:
            if getattr(error, "name", "") != "kubernetes-unreachable":  # then the next run finds it at work
                with suppress(Problem):
                    self._remove()
            raise
        self._remove()
        return results

    def _started(self) -> Found:
        """The Job of before, where it was made for just this and may still be of use; else a new one."""
        known = self._find(JOB)
        if known and self._is_past(known):
            self._context.progress(f"removing the {known.where} of an earlier run")
            self._remove()
            known = None
        self._context.progress(f"{'going on with' if known else 'starting'} job {self._name}")
        told = self._secret()
        known = known or self._make(JOB, job(self._name, self._work, self._cluster))
        owner = {"apiVersion": JOB.group, "kind": "Job", "name": known.name, "uid": known.uid}
        # Where nobody ever comes back, the Secret goes with the Job.
        self._api.change(told, lambda _now: {"metadata": {"ownerReferences": [owner]}})
        return known

    def _is_past(self, known: Found) -> bool:
        """Whether it was made for something else, has failed, or found what counts no more."""
        other = known.annotations.get(SPEC) != spec_digest(self._work, self._cluster)
        return other or _has(known, "Failed") or (self._work.fresh and _has(known, "Complete"))

    def _secret(self) -> Found:
        known = self._find(SECRET)
        if known and known.annotations.get(SPEC) == self._work.digest:
            return known
        if known:
            self._api.delete(known)
        return self._make(SECRET, secret(self._name, self._work))

    def _make(self, kind: Kind, body: Body) -> Found:
        body["metadata"]["namespace"] = self._cluster.namespace
        try:
            return self._api.create(kind, body)
        except Conflict:  # our own call of before, whose answer was lost
            return self._api.get(kind, self._cluster.namespace, self._name)

    def _find(self, kind: Kind) -> Found | None:
        """What bears our name; Refusal where it is not ours."""
        found = self._api.find(kind, self._cluster.namespace, self._name)
        labels: Mapping[str, str] = found.at("metadata", "labels", default={}) if found else {}
        if found and not MANAGED.items() <= labels.items():
            what = f"The {found.where} bears the name that Reforge gives its own, and is not its own."
            raise Refusal("runner-name-taken", what, "Rename or remove it, then run the same command again.")
        return found

    def _ended(self, made: Found) -> Found:
        """The Job once it is complete; a Problem for every other end."""
        deadline = time.monotonic() + self._cluster.timeout + GRACE_SECONDS
        while True:
            now = self._api.find(JOB, made.namespace, made.name)
            if now is None or now.uid != made.uid:
                raise faults.deleted(made)
            if _has(now, "Complete"):
                return now
            pods = self._pods()
            if _has(now, "Failed"):
                raise faults.failure(now, pods)
            self._require_start(now, pods)
            if time.monotonic() > deadline:
                raise faults.late(now, self._cluster.timeout + GRACE_SECONDS)
            self._tell(now, pods)
            if self._context.cancelled.wait(POLL_SECONDS):
                raise interrupted(f"job {self._name}")

    def _require_start(self, now: Found, pods: list[Found]) -> None:
        """A pod's time to start is counted from when we saw it first: clocks differ."""
        idle = [pod for pod in pods if pod.at("status", "phase", default="Pending") == "Pending"]
        waited_for = idle or ([] if pods or now.at("status", "succeeded") else [now])
        moment = time.monotonic()
        self._seen = {one.uid: self._seen.get(one.uid, moment) for one in waited_for}
        for one in waited_for:
            if moment - self._seen[one.uid] > self._cluster.start_timeout:
                raise (
                    faults.not_starting(one)
                    if idle
                    else faults.without_pods(one, self._cluster.start_timeout)
                )

    def _tell(self, now: Found, pods: list[Found]) -> None:
        """So many parts done, and the last line of whoever is at work."""
        done, total = now.at("status", "succeeded", default=0), now.at("spec", "completions")
        at_work = [pod for pod in pods if pod.at("status", "phase") == "Running"]
        lines = [
            f"{pod.annotations.get(INDEX, '0')}: {line}" for pod in at_work if (line := self._last_line(pod))
        ]
        waiting = "" if at_work or done == total else ", waiting for a pod"
        self._context.progress("; ".join([f"job {self._name}: {done} of {total} done{waiting}", *lines]))

    def _last_line(self, pod: Found) -> str:
        """Logs come by the kubelet, which may be out of reach: then the counts have to do."""
        if not self._logs:
            return ""
        log = self._api.log(pod, 1)
        self._logs = log is not None
        return (log or "").strip()

    def _gathered(self, done: Found) -> list[Result]:
        ended = [pod for pod in self._pods() if pod.at("status", "phase") == "Succeeded"]
        of = {int(pod.annotations.get(INDEX, 0)): pod for pod in ended}
        if missing := [index for index in range(done.at("spec", "completions")) if index not in of]:
            what = (
                f"The {done.where} is done, and somebody has removed its pods {missing} with their results."
            )
            raise Problem("runner-result-lost", what, "Run the same command again; what is done stays done.")
        return [self._result(of[index]) for index in sorted(of)]

    def _result(self, pod: Found) -> Result:
        return result_of(faults.message_of(pod), lambda: self._log(pod))

    def _log(self, pod: Found) -> str:
        for _ in range(_LOG_TRIES):
            if (log := self._api.log(pod)) is not None:
                return log
            if self._context.cancelled.wait(POLL_SECONDS):
                break
        return ""

    def _pods(self) -> list[Found]:
        return self._api.all(POD, self._cluster.namespace, f"reforge/job={self._name}")

    def _remove(self) -> None:
        """Job, Secret, and the pods, waited for: a successor must not meet them at work."""
        for kind in (JOB, SECRET):
            if found := self._find(kind):
                self._api.delete(found)
        deadline = time.monotonic() + GRACE_SECONDS
        while self._pods():
            if time.monotonic() > deadline:
                what = f"The pods of job {self._name} do not go within {GRACE_SECONDS:g} s."
                cure = (
                    f"See why: kubectl -n {self._cluster.namespace} describe pod -l reforge/job={self._name}"
                )
                raise Problem("pods-do-not-end", what, cure)
            time.sleep(min(POLL_SECONDS, 0.5))


def require_access(cluster: Cluster, context: Context) -> None:
    """Whether the cluster lets us look for Jobs; else the Problem that it answers with."""
    connect(cluster.cluster, context).find(JOB, cluster.namespace, "reforge")


def _has(found: Found, condition: str) -> bool:
    conditions: list[dict[str, Any]] = found.at("status", "conditions", default=[])
    return any(one.get("type") == condition and one.get("status") == "True" for one in conditions)
