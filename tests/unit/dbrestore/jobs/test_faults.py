"""What Kubernetes says of pods that do not get on, in our words."""

from __future__ import annotations

from typing import Any

import pytest

from dbrestore.jobs.faults import failure, late, not_starting
from dbrestore.jobs.results import told_problem
from dbrestore.kubernetes.kinds import JOB, POD, Found
from problem import Problem, Refusal


def job(reason: str = "", message: str = "") -> Found:
    conditions = (
        [{"type": "Failed", "status": "True", "reason": reason, "message": message}] if reason else []
    )
    metadata = {"name": "reforge-r-load-data", "namespace": "reforge"}
    spec = {"activeDeadlineSeconds": 60}
    return Found(JOB, {"metadata": metadata, "spec": spec, "status": {"conditions": conditions}})


def pod(state: dict[str, Any] | None = None, **status: Any) -> Found:
    statuses = [{"name": "work", "state": state}] if state else []
    metadata = {"name": "pod-0", "namespace": "reforge"}
    spec = {"containers": [{"image": "registry.invalid/reforge:1"}]}
    status = {"phase": "Pending", "containerStatuses": statuses, **status}
    return Found(POD, {"metadata": metadata, "spec": spec, "status": status})


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def ended(code: int, message: str = "", reason: str = "Error") -> Found:
    return pod({"terminated": {"exitCode": code, "message": message, "reason": reason}}, phase="Failed")


UNSCHEDULABLE = {
    "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
    "message": "0/3 nodes: Insufficient cpu",
}  # fmt: skip


@pytest.mark.parametrize(
    ("found", "name", "words"),
    [
        (pod(waiting("ImagePullBackOff", "not found")), "runner-image-missing", "registry.invalid/reforge:1"),
        (pod(waiting("CreateContainerConfigError", 'secret "s3" not found')), "runner-misconfigured", '"s3"'),
        (pod(conditions=[UNSCHEDULABLE]), "runner-unschedulable", "Insufficient cpu"),
        (pod(waiting("ContainerCreating")), "runner-not-started", "ContainerCreating"),
        (pod(), "runner-not-started", "no reason given"),
    ],
)
def test_a_pod_that_does_not_start_is_named_by_its_reason(found: Found, name: str, words: str) -> None:
    problem = not_starting(found)
    assert problem.name == name
    assert words in problem.what


def test_a_pods_own_problem_counts_before_all_that_kubernetes_says() -> None:
    own = told_problem(Refusal("target-not-empty", "Not empty.", ""))
    found = failure(job("PodFailurePolicy"), [ended(137, reason="OOMKilled"), ended(3, own)])
    assert (found.name, type(found)) == ("target-not-empty", Refusal)


@pytest.mark.parametrize(
    ("reason", "pods", "name"),
    [
        ("DeadlineExceeded", [], "runner-deadline"),
        ("BackoffLimitExceeded", [ended(137, reason="OOMKilled")], "runner-out-of-memory"),
        (
            "BackoffLimitExceeded",
            [pod(phase="Failed", reason="Evicted", message="ephemeral local storage usage exceeds")],
            "runner-evicted",
        ),
        ("BackoffLimitExceeded", [ended(1, "Traceback\nValueError: wrong")], "runner-failed"),
    ],
)
def test_a_failed_job_is_named_by_its_cause(reason: str, pods: list[Found], name: str) -> None:
    assert failure(job(reason), pods).name == name


def test_the_last_lines_of_a_container_without_a_message_of_ours_are_told() -> None:
    found = failure(job("BackoffLimitExceeded", "too often"), [ended(1, "a\nb\nc\nValueError: wrong")])
    assert "exit code 1: b | c | ValueError: wrong" in found.what


def test_a_cluster_that_does_not_end_its_jobs_is_named() -> None:
    found = late(job(), 180)
    assert isinstance(found, Problem)
    assert found.name == "runner-deadline"
