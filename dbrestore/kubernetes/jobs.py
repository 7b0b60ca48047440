"""Jobs that run: which they are, and waiting for them. None is ended: half a job may be half a write."""

from __future__ import annotations

from collections.abc import Callable

from dbrestore.kubernetes.api import Api
from dbrestore.kubernetes.kinds import Found
from dbrestore.kubernetes.pods import wait
from problem import Problem, listed


def is_running(job: Found) -> bool:
    """Whether it has pods, or will have some: neither finished nor suspended."""
    conditions = job.at("status", "conditions", default=[])
    ended = {one.get("type") for one in conditions if one.get("status") == "True"}
    if ended & {"Complete", "Failed"}:
        return False
    return bool(job.at("status", "active", default=0)) or not job.at("spec", "suspend", default=False)


def await_end(api: Api, seconds: float, look: Callable[[], list[Found]]) -> None:
    """Wait until none of the jobs of ``look`` runs. Problem "jobs-still-running" names those that do."""

    def running() -> list[str]:
        return [_words(job) for job in look() if is_running(job)]

    left = wait(api, "running jobs to end", seconds, running)
    if left:
        what = f"These jobs still run after {seconds:g} s, and may write: {listed(left)}."
        cure = (
            "No new ones will start. Wait for them, or end them yourself (kubectl delete job), "
            "then run the same command again; a longer `timeout` in the writer's entry waits longer."
        )
        raise Problem("jobs-still-running", what, cure)


def _words(job: Found) -> str:
    since = job.at("status", "startTime", default="not started yet")
    return f"{job.namespace}/{job.name} (since {since})"
