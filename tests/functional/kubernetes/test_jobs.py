"""CronJobs and Jobs on a real API server: nothing new starts, what runs is waited for or named."""

from __future__ import annotations

from typing import Any

import pytest

from dbrestore.handler import Context, Handler, PartlyMade
from dbrestore.kubernetes.job import Job
from dbrestore.kubernetes.originals import NOTE
from dbrestore.kubernetes.schedule import Schedule
from tests.functional.kubernetes.cluster import Body, Cluster, workload

pytestmark = [pytest.mark.slow, pytest.mark.clouds]
POD: Body = {"spec": {**workload()["template"]["spec"], "restartPolicy": "Never"}}
STARTED = "2025-12-03T14:23:00Z"


def declared(kind: type[Handler], cluster: Cluster, desired: str, **more: Any) -> Any:
    values = {"namespace": cluster.namespace, "name": "nightly", "desired": desired, "timeout": 5}
    return kind.inputs.model_validate(values | more)


def cron_job(cluster: Cluster, **spec: Any) -> Body:
    template = {"spec": {"template": POD}}
    return cluster.make("CronJob", "nightly", spec={"schedule": "0 3 * * *", "jobTemplate": template, **spec})


def running_job(cluster: Cluster, name: str, owner: Body | None = None) -> None:
    metadata: Body = {}
    if owner is not None:
        reference = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "controller": True}
        metadata["ownerReferences"] = [{**reference, "uid": owner["metadata"]["uid"]}]
    cluster.make("Job", name, metadata=metadata, spec={"template": POD})
    status = {"active": 1, "startTime": STARTED}
    cluster.merge("Job", name, {"status": status}, "status", by="job-controller")


def finish(cluster: Cluster, name: str) -> None:
    kinds = ("SuccessCriteriaMet", "Complete")
    conditions = [{"type": kind, "status": "True", "lastTransitionTime": STARTED} for kind in kinds]
    status = {"active": None, "succeeded": 1, "completionTime": STARTED, "conditions": conditions}
    cluster.merge("Job", name, {"status": status}, "status", by="job-controller")


def finishing(cluster: Cluster, name: str) -> Context:
    """A context in which a job ends once it is waited for."""
    return Context("urn:test", lambda _text: finish(cluster, name), cluster.cancelled, cluster.notes.append)


@pytest.mark.parametrize("before", [True, False])
def test_a_schedule_is_suspended_and_comes_back_as_it_was(cluster: Cluster, before: bool) -> None:
    cron_job(cluster, suspend=before)
    identity, state = Schedule().create(cluster.context, declared(Schedule, cluster, "none"))
    for desired in ("none", "canary"):
        state = Schedule().update(cluster.context, identity, state, declared(Schedule, cluster, desired))
        assert cluster.get("CronJob", "nightly")["spec"]["suspend"] is True
    Schedule().update(cluster.context, identity, state, declared(Schedule, cluster, "all"))
    found = cluster.get("CronJob", "nightly")
    assert found["spec"]["suspend"] is before
    assert NOTE not in found["metadata"].get("annotations", {})


def test_what_the_schedule_started_before_is_waited_for(cluster: Cluster) -> None:
    running_job(cluster, "nightly-1", cron_job(cluster))
    running_job(cluster, "of-somebody-else")
    Schedule().create(finishing(cluster, "nightly-1"), declared(Schedule, cluster, "none"))


def test_a_job_that_goes_on_running_is_named(cluster: Cluster) -> None:
    running_job(cluster, "nightly-1", cron_job(cluster))
    with pytest.raises(PartlyMade, match=f"nightly-1 .since {STARTED}") as caught:
        Schedule().create(cluster.context, declared(Schedule, cluster, "none", timeout=0.2))
    assert caught.value.name == "jobs-still-running"
    assert caught.value.state["original"] == {"suspend": False}
    assert cluster.get("Job", "nightly-1")["status"]["active"] == 1


def test_a_job_of_its_own_is_waited_for(cluster: Cluster) -> None:
    running_job(cluster, "nightly")
    identity, state = Job().create(finishing(cluster, "nightly"), declared(Job, cluster, "none"))
    assert cluster.get("Job", "nightly")["spec"].get("suspend") is False
    cluster.remove("Job", "nightly")
    seen = Job().read(cluster.context, identity, state)
    assert seen is not None
    assert Job().drift(seen, None) == frozenset()
    Job().update(cluster.context, identity, seen, declared(Job, cluster, "all"))
    assert "no job nightly" in cluster.notes[-1]


def test_a_job_is_suspended_where_that_is_asked_for(cluster: Cluster) -> None:
    running_job(cluster, "nightly")
    identity, state = Job().create(cluster.context, declared(Job, cluster, "none", suspend=True))
    assert cluster.get("Job", "nightly")["spec"]["suspend"] is True
    Job().update(cluster.context, identity, state, declared(Job, cluster, "all", suspend=True))
    assert cluster.get("Job", "nightly")["spec"]["suspend"] is False


def test_a_job_that_has_finished_is_left_as_it_is(cluster: Cluster) -> None:
    running_job(cluster, "nightly")
    finish(cluster, "nightly")
    Job().create(cluster.context, declared(Job, cluster, "none", suspend=True))
    assert cluster.get("Job", "nightly")["spec"]["suspend"] is False
