"""Why a Job does not get on or has failed, named by what its reader can do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dbrestore.jobs.manifest import CONTAINER
from dbrestore.jobs.results import problem_of
from dbrestore.kubernetes.kinds import Found
from problem import Problem

_IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
_CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
_GOES_ON = "Then run the same command again; what is done stays done."


def without_pods(job: Found, seconds: float) -> Problem:
    """Nobody makes pods for it."""
    what = f"No pod of the {job.where} was made within {seconds:g} s."
    cure = f"See why (a quota, an admission policy): kubectl -n {job.namespace} describe job {job.name}. "
    return Problem("runner-no-pods", what, cure + _GOES_ON)


def failure(job: Found, pods: Sequence[Found]) -> Problem:
    """Why a Job has failed: as its pods tell it themselves, else as Kubernetes does."""
    ends = [(pod, end) for pod in pods if (end := _end(pod)) and end.get("exitCode") != 0]
    for _pod, end in reversed(ends):
        if problem := problem_of(str(end.get("message") or "")):
            return problem
    reason, message = _failed(job)
    if reason == "DeadlineExceeded":
        limit = job.at("spec", "activeDeadlineSeconds")
        what = f"The {job.where} was not done within {limit} s and was ended."
        return Problem(
            "runner-deadline", what, f"Raise `timeout` of the runner, or give more shards. {_GOES_ON}"
        )
    if killed := [pod for pod, end in ends if end.get("reason") == "OOMKilled"]:
        what = f"The {killed[-1].where} had too little memory and was killed, as often as the Job may try."
        return Problem(
            "runner-out-of-memory", what, f"Raise `resources.limits.memory` of the runner. {_GOES_ON}"
        )
    if evicted := [pod for pod in pods if pod.at("status", "reason") == "Evicted"]:
        what = f"The {evicted[-1].where} was evicted: {evicted[-1].at('status', 'message', default='')}"
        cure = "Raise `scratch` or `resources.requests` of the runner, or make room on the nodes. "
        return Problem("runner-evicted", what, cure + _GOES_ON)
    said = "; ".join(f"exit code {end.get('exitCode')}: {_last(end)}" for _pod, end in ends[-1:])
    what = f"The {job.where} has failed: {reason}: {message} {said}".rstrip()
    return Problem("runner-failed", what, f"Look at what it says. {_GOES_ON}")


def deleted(job: Found) -> Problem:
    """Somebody has removed it."""
    what = f"The {job.where} was deleted while it was at work, and not by us."
    return Problem("runner-job-gone", what, f"Find out who did that. {_GOES_ON}")


def late(job: Found, seconds: float) -> Problem:
    """Kubernetes itself should have ended it: its controllers do not work, or the clocks differ."""
    what = (
        f"The {job.where} is neither done nor failed after {seconds:.0f} s, which is past its own deadline."
    )
    cure = "See whether the cluster's controllers work: kubectl get --raw /readyz. "
    return Problem("runner-deadline", what, cure + _GOES_ON)


def not_starting(pod: Found) -> Problem:
    """What keeps a pod from its work."""
    waiting = _state(pod).get("waiting") or {}
    reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
    if reason in _IMAGE:
        image = pod.at("spec", "containers")[0].get("image")
        what = f"The image {image} cannot be pulled by the {pod.where}: {reason}: {message}"
        return Problem(
            "runner-image-missing", what, f"Push it, or correct `image` and `image-pull-secrets`. {_GOES_ON}"
        )
    if reason in _CONFIG:
        what = f"The {pod.where} cannot be started: {reason}: {message}"
        return Problem(
            "runner-misconfigured", what, f"Correct what it names in the runner's config. {_GOES_ON}"
        )
    for one in pod.at("status", "conditions", default=[]):
        if one.get("type") == "PodScheduled" and one.get("status") == "False":
            what = f"No node takes the {pod.where}: {one.get('message') or one.get('reason')}"
            cure = (
                "Lower `resources` or correct `node-selector` and `tolerations` of the runner, or add nodes. "
            )
            return Problem("runner-unschedulable", what, cure + _GOES_ON)
    what = f"The {pod.where} does not start: {reason or 'no reason given'} {message}".rstrip()
    cure = f"See why: kubectl -n {pod.namespace} describe pod {pod.name}. "
    return Problem("runner-not-started", what, cure + _GOES_ON)


def _failed(job: Found) -> tuple[str, str]:
    conditions = job.at("status", "conditions", default=[])
    one: dict[str, Any] = next(
        (one for one in conditions if one.get("type") in ("Failed", "FailureTarget")), {}
    )
    return str(one.get("reason") or "no reason given"), str(one.get("message") or "")


def message_of(pod: Found) -> str:
    """The termination message of a pod's container; empty where it has none."""
    return str((_end(pod) or {}).get("message") or "")


def _end(pod: Found) -> dict[str, Any] | None:
    found: dict[str, Any] | None = _state(pod).get("terminated")
    return found


def _state(pod: Found) -> dict[str, Any]:
    statuses = pod.at("status", "containerStatuses", default=[])
    found: dict[str, Any] = next(
        (one.get("state") or {} for one in statuses if one.get("name") == CONTAINER), {}
    )
    return found


def _last(end: dict[str, Any]) -> str:
    """The last of what the container said, which the kubelet keeps where it wrote no message."""
    lines = str(end.get("message") or end.get("reason") or "").strip().splitlines()
    return " | ".join(lines[-3:])
