"""What a real API server does to those who patch and give up, seen first; then that Reforge does not.

The traps are those of Pulumi's patch resources: server-side apply under a manager's name of their own, given
up by an empty apply when the resource is deleted. And that of kill -9 in the wrong moment. What HPA and KEDA
do at 0 and 1 replicas has no controller here that would show it: ``test_autoscalers.py`` holds the guards.
"""

from __future__ import annotations

from typing import Any

import pytest

from dbrestore.kubernetes.originals import NOTE
from dbrestore.kubernetes.scale import Scale
from dbrestore.kubernetes.schedule import Schedule
from tests.functional.kubernetes.cluster import Cluster, workload
from tests.functional.kubernetes.controller import controlled
from tests.functional.kubernetes.test_jobs import cron_job

pytestmark = [pytest.mark.slow, pytest.mark.clouds]


def scale(cluster: Cluster, desired: str) -> Any:
    values = {"namespace": cluster.namespace, "name": "etl", "kind": "deployment"}
    return Scale.inputs.model_validate({**values, "desired": desired, "timeout": 5})


def schedule(cluster: Cluster, desired: str) -> Any:
    values = {"namespace": cluster.namespace, "name": "nightly", "desired": desired}
    return Schedule.inputs.model_validate(values)


def replicas(cluster: Cluster) -> int:
    return int(cluster.get("Deployment", "etl")["spec"]["replicas"])


def test_bite_resuming_by_deleting_a_patch_leaves_one_replica(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=6))
    assert cluster.apply("Deployment", "etl", "patch", force=True, spec={"replicas": 0}).is_success
    cluster.give_up("Deployment", "etl", "patch")
    assert replicas(cluster) == 1, "not the 6 that there were: the server's default"


def test_resuming_brings_all_replicas_back_and_destroying_the_resource_changes_none(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=6))
    with controlled(cluster):
        identity, state = Scale().create(cluster.context, scale(cluster, "none"))
        state = Scale().update(cluster.context, identity, state, scale(cluster, "all"))
        Scale().delete(cluster.context, identity, state)
        assert replicas(cluster) == 6


def test_bite_a_forced_patch_of_the_original_value_does_not_make_giving_up_safe(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=6))
    for count in (0, 6):
        assert cluster.apply("Deployment", "etl", "patch", force=True, spec={"replicas": count}).is_success
    cluster.give_up("Deployment", "etl", "patch")
    assert replicas(cluster) == 1


def test_bite_giving_a_schedule_up_in_the_middle_of_a_pause_lets_it_start_jobs(cluster: Cluster) -> None:
    cron_job(cluster)
    assert cluster.apply("CronJob", "nightly", "patch", force=True, spec={"suspend": True}).is_success
    cluster.give_up("CronJob", "nightly", "patch")
    assert cluster.get("CronJob", "nightly")["spec"]["suspend"] is False


def test_giving_a_schedule_up_in_the_middle_of_a_pause_leaves_it_suspended(cluster: Cluster) -> None:
    cron_job(cluster)
    identity, state = Schedule().create(cluster.context, schedule(cluster, "none"))
    Schedule().delete(cluster.context, identity, state)
    found = cluster.get("CronJob", "nightly")
    assert found["spec"]["suspend"] is True
    assert found["metadata"]["annotations"][NOTE] == '{"suspend":false}', "whoever comes next knows"


def test_bite_a_patch_without_force_cannot_pause_what_another_manager_owns(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=6))
    answer = cluster.apply("Deployment", "etl", "patch", spec={"replicas": 0})
    assert answer.status_code == 409
    assert ".spec.replicas" in answer.text


@pytest.mark.parametrize("plain", [True, False])
def test_a_pause_works_whoever_owns_the_replicas(cluster: Cluster, plain: bool) -> None:
    if plain:
        cluster.make("Deployment", "etl", spec=workload(replicas=6), by="helm")
    else:
        cluster.apply("Deployment", "etl", "argocd-controller", spec=workload(replicas=6)).raise_for_status()
    with controlled(cluster):
        Scale().create(cluster.context, scale(cluster, "none"))
        assert replicas(cluster) == 0


def test_during_a_pause_an_apply_without_force_cannot_bring_the_replicas_back(cluster: Cluster) -> None:
    cluster.apply("Deployment", "etl", "argocd-controller", spec=workload(replicas=6)).raise_for_status()
    with controlled(cluster):
        Scale().create(cluster.context, scale(cluster, "none"))
    answer = cluster.apply("Deployment", "etl", "argocd-controller", spec=workload(replicas=6))
    assert answer.status_code == 409
    assert "reforge" in answer.text


def test_what_reforge_writes_is_never_an_apply_that_could_be_given_up(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=6))
    with controlled(cluster):
        Scale().create(cluster.context, scale(cluster, "none"))
    managed = cluster.get("Deployment", "etl")["metadata"]["managedFields"]
    assert {one["operation"] for one in managed if one["manager"] == "reforge"} == {"Update"}


def test_bite_the_owner_by_apply_meets_a_conflict_where_somebody_else_wrote_the_original_back(
    cluster: Cluster,
) -> None:
    cluster.apply("Deployment", "etl", "argocd-controller", spec=workload(replicas=6)).raise_for_status()
    for count in (0, 6):
        cluster.merge("Deployment", "etl", {"spec": {"replicas": count}}, by="hotfix")
    same = cluster.apply("Deployment", "etl", "argocd-controller", spec=workload(replicas=6))
    assert same.is_success, "the same value again is no conflict"
    cluster.merge("Deployment", "etl", {"spec": {"replicas": 0}}, by="hotfix")
    cluster.merge("Deployment", "etl", {"spec": {"replicas": 6}}, by="hotfix")
    later = cluster.apply("Deployment", "etl", "argocd-controller", spec=workload(replicas=7))
    assert later.status_code == 409
    assert "hotfix" in later.text


def test_after_an_incident_the_owner_by_apply_goes_on_as_if_nothing_had_been(cluster: Cluster) -> None:
    cluster.apply("Deployment", "etl", "argocd-controller", spec=workload(replicas=6)).raise_for_status()
    with controlled(cluster):
        identity, state = Scale().create(cluster.context, scale(cluster, "none"))
        Scale().update(cluster.context, identity, state, scale(cluster, "all"))
    later = cluster.apply("Deployment", "etl", "argocd-controller", spec=workload(replicas=7))
    assert later.is_success, later.text


def test_bite_without_a_note_a_killed_pause_takes_zero_for_the_original(cluster: Cluster) -> None:
    """The engine learns of a create when it ends; after kill -9 its next create reads the paused object."""
    cluster.make("Deployment", "etl", spec=workload(replicas=6))
    with controlled(cluster):
        Scale().create(cluster.context, scale(cluster, "none"))
        cluster.merge("Deployment", "etl", {"metadata": {"annotations": {NOTE: None}}})
        _, state = Scale().create(cluster.context, scale(cluster, "none"))
    assert state["original"] == {"replicas": 0}
