"""``kubernetes:Scale`` on a real API server: paused, a canary, and back to what there was."""

from __future__ import annotations

from typing import Any

import pytest

from dbrestore.handler import PartlyMade
from dbrestore.kubernetes.originals import NOTE
from dbrestore.kubernetes.scale import Scale
from problem import Problem
from tests.functional.kubernetes.cluster import Cluster, workload
from tests.functional.kubernetes.controller import controlled

pytestmark = [pytest.mark.slow, pytest.mark.clouds]


def declared(cluster: Cluster, desired: str, **more: Any) -> Any:
    values = {"namespace": cluster.namespace, "name": "etl", "kind": "deployment", "desired": desired}
    return Scale.inputs.model_validate({**values, "timeout": 5, **more})


def replicas(cluster: Cluster) -> int:
    return int(cluster.get("Deployment", "etl")["spec"]["replicas"])


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_a_pause_a_canary_and_all_of_it_back(cluster: Cluster, kind: str) -> None:
    cluster.make(kind, "etl", spec=workload(replicas=3))
    more = {"kind": {"Deployment": "deployment", "StatefulSet": "stateful-set"}[kind]}
    with controlled(cluster, kind=kind):
        identity, state = Scale().create(cluster.context, declared(cluster, "none", **more))
        assert cluster.all("Pod") == []
        assert (state["original"], state["present"]) == ({"replicas": 3}, {"replicas": 0})
        state = Scale().update(cluster.context, identity, state, declared(cluster, "canary", **more))
        assert len(cluster.all("Pod")) == 1
        state = Scale().update(cluster.context, identity, state, declared(cluster, "all", **more))
        assert len(cluster.all("Pod")) == 3
    found = cluster.get(kind, "etl")
    assert found["spec"]["replicas"] == 3
    assert NOTE not in found["metadata"].get("annotations", {})
    assert state["present"] == state["original"] == {"replicas": 3}


def test_a_writer_that_may_work_is_not_touched(cluster: Cluster) -> None:
    before = cluster.make("Deployment", "etl", spec=workload(replicas=3))
    identity, state = Scale().create(cluster.context, declared(cluster, "all"))
    cluster.merge("Deployment", "etl", {"spec": {"replicas": 5}})  # an autoscaler, say
    seen = Scale().read(cluster.context, identity, state)
    assert seen is not None
    assert Scale().drift(seen, None) == frozenset()
    state = Scale().update(cluster.context, identity, seen, declared(cluster, "all", timeout=9))
    after = cluster.get("Deployment", "etl")
    assert after["spec"]["replicas"] == 5
    assert "reforge" not in {one["manager"] for one in after["metadata"]["managedFields"]}
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    with controlled(cluster):
        state = Scale().update(cluster.context, identity, state, declared(cluster, "none"))
        assert state["original"] == {"replicas": 5}, (
            "what it had when it was paused, not when it was declared"
        )


def test_a_pause_that_was_killed_does_not_take_its_own_zero_for_the_original(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=3))
    with controlled(cluster):
        Scale().create(cluster.context, declared(cluster, "none"))  # and the engine kept nothing of it
        identity, state = Scale().create(cluster.context, declared(cluster, "none"))
        assert state["original"] == {"replicas": 3}
        Scale().update(cluster.context, identity, state, declared(cluster, "all"))
        assert replicas(cluster) == 3


def test_a_note_that_was_swept_away_is_known_by_the_engine(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=3))
    with controlled(cluster):
        identity, state = Scale().create(cluster.context, declared(cluster, "none"))
        cluster.merge("Deployment", "etl", {"metadata": {"annotations": {NOTE: None}}})
        Scale().update(cluster.context, identity, state, declared(cluster, "all"))
        assert replicas(cluster) == 3


def test_pods_that_do_not_end_are_named_and_the_original_is_kept(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=2))
    with controlled(cluster, stuck=True):
        with pytest.raises(PartlyMade) as caught:
            Scale().create(cluster.context, declared(cluster, "none", timeout=0.3))
        assert caught.value.name == "pods-do-not-end"
        assert "etl-1" in caught.value.what
        assert caught.value.state["original"] == {"replicas": 2}


def test_a_pod_on_its_way_out_still_writes(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=0))
    metadata = {"labels": {"app": "etl"}, "finalizers": ["starforge.example/slow"]}
    cluster.make("Pod", "etl-old", metadata=metadata, spec=workload()["template"]["spec"])
    cluster.remove("Pod", "etl-old")
    with pytest.raises(PartlyMade, match=r"etl-old \(terminating since") as caught:
        Scale().create(cluster.context, declared(cluster, "none", timeout=0.2))
    assert caught.value.name == "pods-do-not-end"


def test_whoever_sets_the_replicas_back_during_a_pause_is_named(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=2))
    pods_there = cluster.context
    with controlled(cluster, stuck=True):

        def told(text: str) -> None:
            cluster.merge("Deployment", "etl", {"spec": {"replicas": 2}}, by="argocd-controller")

        fought = type(pods_there)("urn:test", told, cluster.cancelled)
        with pytest.raises(PartlyMade, match="to 2 replicas by argocd-controller") as caught:
            Scale().create(fought, declared(cluster, "none"))
    assert caught.value.name == "pause-fought"


def test_replicas_that_came_back_are_drift_and_are_paused_again(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=2))
    with controlled(cluster):
        identity, state = Scale().create(cluster.context, declared(cluster, "none"))
        cluster.merge("Deployment", "etl", {"spec": {"replicas": 2}})
        seen = Scale().read(cluster.context, identity, state)
        assert seen is not None
        assert Scale().drift(seen, None) == {"present"}
        Scale().update(cluster.context, identity, seen, declared(cluster, "none"))
        assert replicas(cluster) == 0


def test_workers_that_do_not_get_ready_are_named_with_their_reason(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=2))
    with controlled(cluster) as controller:
        identity, state = Scale().create(cluster.context, declared(cluster, "none"))
        controller.unready = "CrashLoopBackOff"
        with pytest.raises(PartlyMade, match=r"app: CrashLoopBackOff") as caught:
            Scale().update(cluster.context, identity, state, declared(cluster, "canary", timeout=0.5))
    assert caught.value.name == "pods-not-ready"
    assert caught.value.state["original"] == {"replicas": 2}


def test_a_worker_that_had_no_replicas_is_not_started(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=0))
    identity, state = Scale().create(cluster.context, declared(cluster, "none"))
    for desired in ("canary", "all"):
        state = Scale().update(cluster.context, identity, state, declared(cluster, desired))
        assert replicas(cluster) == 0


def test_the_number_that_the_config_gives_is_brought_back(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=0))
    with controlled(cluster):
        identity, state = Scale().create(cluster.context, declared(cluster, "none", replicas=2))
        Scale().update(cluster.context, identity, state, declared(cluster, "all", replicas=2))
        assert replicas(cluster) == 2


def test_a_worker_that_is_not_there_is_refused_in_the_preview(cluster: Cluster) -> None:
    with pytest.raises(Problem, match="no deployment etl in namespace") as caught:
        Scale().examine(cluster.context, declared(cluster, "none"))
    assert caught.value.name == "kubernetes-missing"


def test_no_longer_managing_a_writer_neither_starts_nor_stops_it(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=3))
    with controlled(cluster):
        identity, state = Scale().create(cluster.context, declared(cluster, "none"))
    before = cluster.get("Deployment", "etl")
    Scale().delete(cluster.context, identity, state)
    assert cluster.get("Deployment", "etl") == before
    assert before["metadata"]["annotations"][NOTE] == '{"replicas":3}'


def test_an_interrupted_wait_ends_at_once_and_keeps_the_original(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=2))
    with controlled(cluster, stuck=True):
        cluster.cancelled.set()
        with pytest.raises(PartlyMade) as caught:
            Scale().create(cluster.context, declared(cluster, "none"))
    assert caught.value.name == "interrupted"
    assert caught.value.state["original"] == {"replicas": 2}
