"""An incident on the real engine and a real API server: paused, moved, a canary, all back, rolled back."""

from __future__ import annotations

import base64
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.kubernetes.cluster import Cluster, workload
from tests.functional.kubernetes.controller import Controller, controlled
from tests.functional.kubernetes.test_jobs import cron_job
from tests.support.ground import wait_until
from tests.support.pulumi_project import REPOSITORY, PulumiProject

pytestmark = [pytest.mark.slow, pytest.mark.clouds]
OLD, NEW = "postgresql://app:hunter2@old:5432/x", "postgresql://app:hunter2@new:5432/x"
PROGRAM = """
from dataclasses import dataclass
from stacks.endpoints import Target
from stacks.kinds import load

def target(name, url):
    return Target(name, pulumi.Output.secret(url), pulumi.Output.from_input("h"), pulumi.Output.from_input(1))

def entry(package, kind, **settings):
    settings = {{"namespace": {namespace!r}, "timeout": 20, **settings}}
    return load(package, kind).Settings.model_validate(settings)

serving, none = target({serving!r}, {url!r}), pulumi.ResourceOptions()
entry("stacks.endpoints", "kubernetes-secret", name="api").declare(serving, none)
for kind, name in (("deployment", "etl"), ("cron-job", "nightly")):
    entry("stacks.writers", kind, name=name).declare({writing!r}, serving, none)
"""


@pytest.fixture
def project(cluster: Cluster, tmp_path: Path) -> Iterator[PulumiProject]:
    encoded = base64.b64encode(OLD.encode()).decode()
    cluster.make("Secret", "api", data={"DATABASE_URL": encoded})
    reference = {"secretKeyRef": {"name": "api", "key": "DATABASE_URL"}}
    cluster.make("Deployment", "api", spec=workload("api", 2, env=[{"name": "U", "valueFrom": reference}]))
    cluster.make("Deployment", "etl", spec=workload(replicas=3))
    cron_job(cluster)
    with controlled(cluster, "api"):
        yield PulumiProject(tmp_path / "project").make(REPOSITORY / "dbrestore")


@pytest.fixture
def workers(cluster: Cluster, project: PulumiProject) -> Iterator[Controller]:
    with controlled(cluster) as controller:
        yield controller


def descendants(pid: int) -> list[int]:
    """A process and all that any thread of it has started, itself first."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    started = [int(child) for thread in threads for child in thread.read_text().split()]
    return [pid, *(one for child in started for one in descendants(child))]


def declare(project: PulumiProject, cluster: Cluster, serving: str, writing: str) -> None:
    url = OLD if serving == "source" else NEW
    project.program(PROGRAM.format(namespace=cluster.namespace, serving=serving, url=url, writing=writing))


def stage(project: PulumiProject, cluster: Cluster, serving: str, writing: str) -> str:
    """Previews a stage, sees that this changed nothing, and brings it about; what was said."""
    declare(project, cluster, serving, writing)
    before = row(cluster)
    said = project.run("preview", "--diff").ok()
    assert row(cluster) == before, "a preview changed the cluster"
    return said + project.run("up", "--yes", "--diff").ok()


def row(cluster: Cluster) -> tuple[str, int, bool]:
    """Where the application goes, how many workers there are, whether the schedule rests."""
    url = base64.b64decode(cluster.get("Secret", "api")["data"]["DATABASE_URL"]).decode()
    replicas = cluster.get("Deployment", "etl")["spec"]["replicas"]
    return url, replicas, cluster.get("CronJob", "nightly")["spec"]["suspend"]


@pytest.mark.usefixtures("workers")
def test_an_incident_from_the_pause_to_the_rollback(cluster: Cluster, project: PulumiProject) -> None:
    said = stage(project, cluster, "source", "all")
    assert row(cluster) == (OLD, 3, False)
    said += stage(project, cluster, "source", "none")
    assert row(cluster) == (OLD, 0, True)
    said += stage(project, cluster, "r", "none")
    assert row(cluster) == (NEW, 0, True)
    said += stage(project, cluster, "r", "canary")
    assert row(cluster) == (NEW, 1, True)
    said += stage(project, cluster, "r", "all")
    assert row(cluster) == (NEW, 3, False)
    said += stage(project, cluster, "source", "none")
    said += stage(project, cluster, "source", "all")
    assert row(cluster) == (OLD, 3, False)
    assert "hunter2" not in said
    assert "~ desired" in said
    assert "hunter2" not in project.state()[""]


@pytest.mark.usefixtures("workers")
def test_destroying_the_stack_in_the_middle_of_a_pause_starts_nothing(
    cluster: Cluster, project: PulumiProject
) -> None:
    stage(project, cluster, "source", "all")
    stage(project, cluster, "r", "none")
    project.run("destroy", "--yes").ok()
    assert row(cluster) == (NEW, 0, True)
    # A new stack, whose state knows nothing: the notes on the objects do.
    stage(project, cluster, "r", "none")
    stage(project, cluster, "r", "all")
    assert row(cluster) == (NEW, 3, False)


@pytest.mark.usefixtures("workers")
def test_replicas_that_somebody_set_back_are_seen_by_refresh_and_paused_again(
    cluster: Cluster, project: PulumiProject
) -> None:
    stage(project, cluster, "source", "none")
    cluster.merge("Deployment", "etl", {"spec": {"replicas": 3}})
    assert "present" in project.run("refresh", "--yes", "--diff").ok()
    project.run("up", "--yes").ok()
    assert row(cluster) == (OLD, 0, True)


def test_a_pause_that_was_killed_while_pods_ended_is_gone_on_with(
    cluster: Cluster, project: PulumiProject, workers: Controller
) -> None:
    """kill -9 of the engine and all that it started: its state knows nothing of the create."""
    workers.stuck = True
    declare(project, cluster, "source", "none")
    with project.start("up", "--yes") as process:
        wait_until(lambda: row(cluster) == (OLD, 0, True), 60, "the pause")
        for pid in reversed(descendants(process.pid)):
            os.kill(pid, signal.SIGKILL)
    workers.stuck = False
    assert "etl" not in project.state()[""].partition("pending_operations")[0]
    project.run("cancel", "--yes").ok()
    project.run("up", "--yes")
    assert row(cluster) == (OLD, 0, True)
    project.run("refresh", "--yes", "--clear-pending-creates")
    stage(project, cluster, "source", "all")
    assert row(cluster) == (OLD, 3, False)
