"""HPA and KEDA on a real API server: held so that they do not fight a pause, named where they would."""

from __future__ import annotations

from typing import Any

import pytest

from dbrestore.handler import Context, Handler, PartlyMade
from dbrestore.kubernetes.autoscaler import Autoscaler
from dbrestore.kubernetes.fights import PAUSED, PAUSED_REPLICAS
from dbrestore.kubernetes.originals import NOTE
from dbrestore.kubernetes.scale import Scale
from dbrestore.kubernetes.scaled_object import ScaledObject
from problem import Problem
from tests.functional.kubernetes.cluster import Body, Cluster, workload
from tests.functional.kubernetes.controller import controlled

pytestmark = [pytest.mark.slow, pytest.mark.clouds]
ETL = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "etl"}


def declared(kind: type[Handler], cluster: Cluster, desired: str, **more: Any) -> Any:
    values = {"namespace": cluster.namespace, "name": "etl", "desired": desired, "timeout": 5}
    return kind.inputs.model_validate(values | ({"kind": "deployment"} if kind is Scale else {}) | more)


def hpa(cluster: Cluster, **metadata: Any) -> Body:
    spec = {"scaleTargetRef": ETL, "minReplicas": 2, "maxReplicas": 9}
    return cluster.make("HorizontalPodAutoscaler", "etl", metadata=metadata, spec=spec)


def limits(cluster: Cluster) -> tuple[int, int, int]:
    spec = cluster.get("HorizontalPodAutoscaler", "etl")["spec"]
    return spec["minReplicas"], spec["maxReplicas"], cluster.get("Deployment", "etl")["spec"]["replicas"]


def scaled_object(cluster: Cluster, **annotations: str) -> Body:
    cluster.define("ScaledObject")
    metadata = {"annotations": annotations}
    return cluster.make("ScaledObject", "etl", metadata=metadata, spec={"scaleTargetRef": {"name": "etl"}})


def keda(cluster: Cluster) -> Context:
    """KEDA's operator, woken by the progress that we tell."""

    def scale(_text: str) -> None:
        held = cluster.get("ScaledObject", "etl")["metadata"].get("annotations", {}).get(PAUSED_REPLICAS)
        if held is not None:
            cluster.merge("Deployment", "etl", {"spec": {"replicas": int(held)}}, by="keda-operator")

    return Context("urn:test", scale, cluster.cancelled, cluster.notes.append)


def test_an_hpa_is_paused_by_its_target_pinned_for_a_canary_and_both_come_back(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=4))
    hpa(cluster)
    with controlled(cluster):
        identity, state = Autoscaler().create(cluster.context, declared(Autoscaler, cluster, "none"))
        assert limits(cluster) == (2, 9, 0)
        state = Autoscaler().update(cluster.context, identity, state, declared(Autoscaler, cluster, "canary"))
        assert limits(cluster) == (1, 1, 1), "else the HPA would take the canary up to its minimum"
        Autoscaler().update(cluster.context, identity, state, declared(Autoscaler, cluster, "all"))
        # An HPA is inactive at 0: without the target's own replicas nothing would ever run again.
        assert limits(cluster) == (2, 9, 4)
    for kind in ("HorizontalPodAutoscaler", "Deployment"):
        assert NOTE not in cluster.get(kind, "etl")["metadata"].get("annotations", {})


@pytest.mark.parametrize("first", [Scale, Autoscaler])
def test_a_workload_and_its_hpa_as_two_writers_know_one_original(
    cluster: Cluster, first: type[Handler]
) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=4))
    hpa(cluster)
    second = Scale if first is Autoscaler else Autoscaler
    with controlled(cluster):
        known = [
            (kind, kind().create(cluster.context, declared(kind, cluster, "none")))
            for kind in (first, second)
        ]
        assert [state["original"]["replicas"] for _, (_, state) in known] == [4, 4]
        for kind, (identity, state) in known:
            kind().update(cluster.context, identity, state, declared(kind, cluster, "all"))
        assert limits(cluster) == (2, 9, 4)


def test_a_canary_under_an_hpa_that_is_not_held_is_refused_before_anything_changes(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=4))
    hpa(cluster)
    with controlled(cluster):
        identity, state = Scale().create(cluster.context, declared(Scale, cluster, "none"))
        with pytest.raises(Problem, match=r"hpa: \{namespace: .*, name: etl\}") as caught:
            Scale().update(cluster.context, identity, state, declared(Scale, cluster, "canary"))
        assert caught.value.name == "pause-fought"
        assert limits(cluster) == (2, 9, 0)


def test_an_hpa_that_keda_made_is_left_to_keda(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=4))
    owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "etl-so", "uid": "u"}
    before = hpa(cluster, ownerReferences=[owner])
    with pytest.raises(Problem, match=r"keda: \{namespace: .*, name: etl-so\}"):
        Autoscaler().create(cluster.context, declared(Autoscaler, cluster, "none"))
    assert cluster.get("HorizontalPodAutoscaler", "etl") == before


def test_keda_is_held_at_nothing_then_at_one_then_let_go(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=4))
    scaled_object(cluster)
    with controlled(cluster):
        identity, state = ScaledObject().create(keda(cluster), declared(ScaledObject, cluster, "none"))
        assert cluster.all("Pod") == []
        state = ScaledObject().update(
            keda(cluster), identity, state, declared(ScaledObject, cluster, "canary")
        )
        assert len(cluster.all("Pod")) == 1
        state = ScaledObject().update(keda(cluster), identity, state, declared(ScaledObject, cluster, "all"))
    assert cluster.get("ScaledObject", "etl")["metadata"].get("annotations", {}) == {}
    assert state["original"] == {"pausedReplicas": ""}


@pytest.mark.parametrize("first", [Scale, ScaledObject])
def test_a_workload_and_its_scaled_object_as_two_writers_know_one_original(
    cluster: Cluster, first: type[Handler]
) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=4))
    scaled_object(cluster, **({PAUSED: "true"} if first is Scale else {}))
    second = Scale if first is ScaledObject else ScaledObject
    with controlled(cluster):
        known = [
            (kind, kind().create(keda(cluster), declared(kind, cluster, "none"))) for kind in (first, second)
        ]
        for kind, (identity, state) in reversed(known):
            kind().update(cluster.context, identity, state, declared(kind, cluster, "all"))
    found = cluster.get("Deployment", "etl")
    assert found["spec"]["replicas"] == 4
    assert NOTE not in found["metadata"].get("annotations", {})


def test_what_keda_was_held_at_before_comes_back(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=2))
    scaled_object(cluster, **{PAUSED_REPLICAS: "2"})
    with controlled(cluster):
        identity, state = ScaledObject().create(keda(cluster), declared(ScaledObject, cluster, "none"))
        ScaledObject().update(keda(cluster), identity, state, declared(ScaledObject, cluster, "all"))
    assert cluster.get("ScaledObject", "etl")["metadata"]["annotations"] == {PAUSED_REPLICAS: "2"}


def test_a_deployment_under_keda_is_refused_unless_keda_is_held(cluster: Cluster) -> None:
    """KEDA takes 0 replicas up again, so the deployment alone cannot be paused."""
    cluster.make("Deployment", "etl", spec=workload(replicas=4))
    scaled_object(cluster)
    with pytest.raises(Problem, match=r"keda: \{namespace: .*, name: etl\}") as caught:
        Scale().create(cluster.context, declared(Scale, cluster, "none"))
    assert caught.value.name == "pause-fought"
    assert cluster.get("Deployment", "etl")["spec"]["replicas"] == 4
    cluster.merge("ScaledObject", "etl", {"metadata": {"annotations": {PAUSED: "true"}}})
    with controlled(cluster):
        Scale().create(cluster.context, declared(Scale, cluster, "none"))


def test_a_keda_that_does_not_act_is_named_and_stays_held(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=4))
    scaled_object(cluster)
    with pytest.raises(PartlyMade, match="it has 4") as caught:
        ScaledObject().create(cluster.context, declared(ScaledObject, cluster, "none", timeout=0.2))
    assert caught.value.name == "keda-unresponsive"
    assert caught.value.state["present"] == {"pausedReplicas": "0"}


def test_a_target_of_another_kind_is_refused(cluster: Cluster) -> None:
    cluster.define("ScaledObject")
    cluster.make("ScaledObject", "etl", spec={"scaleTargetRef": {"kind": "Rollout", "name": "etl"}})
    with pytest.raises(Problem, match="Rollout") as caught:
        ScaledObject().create(cluster.context, declared(ScaledObject, cluster, "none"))
    assert caught.value.name == "target-not-scalable"
