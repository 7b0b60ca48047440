"""What would undo a pause, quickly: found before anything is changed, and named."""

from __future__ import annotations

from typing import Any

import pytest

from dbrestore.handler import Context
from dbrestore.kubernetes.autoscaler import Autoscaler
from dbrestore.kubernetes.fights import PAUSED, PAUSED_REPLICAS
from dbrestore.kubernetes.scale import Scale
from dbrestore.kubernetes.scaled_object import ScaledObject
from problem import Problem
from tests.unit.dbrestore.kubernetes.memory import Memory, context, workload

ETL = {"scaleTargetRef": {"kind": "Deployment", "name": "etl"}}


def declared(desired: str, kind: Any = Scale) -> Any:
    own = {"kind": "deployment"} if kind is Scale else {}
    values = {"namespace": "ns", "name": "etl", "desired": desired, "timeout": 0.05}
    return kind.inputs.model_validate(values | own)


@pytest.fixture(autouse=True)
def etl(cluster: Memory) -> None:
    cluster.put("deployments", "etl", spec=workload(3))


@pytest.mark.parametrize(
    ("plural", "spec", "annotations", "desired", "line"),
    [
        ("scaledobjects", ETL, {}, "none", "keda: {namespace: ns, name: so}"),
        ("scaledobjects", {"scaleTargetRef": {"name": "etl"}}, {}, "none", "keda: {namespace: ns, name: so}"),
        ("scaledobjects", ETL, {PAUSED: "false"}, "none", "keda: {namespace: ns, name: so}"),
        ("scaledobjects", ETL, {PAUSED_REPLICAS: "4"}, "none", "keda: {namespace: ns, name: so}"),
        (
            "horizontalpodautoscalers",
            ETL | {"maxReplicas": 9},
            {},
            "canary",
            "hpa: {namespace: ns, name: so}",
        ),
    ],
)
def test_what_is_not_held_is_named_and_nothing_is_changed(
    cluster: Memory, plural: str, spec: Any, annotations: dict[str, str], desired: str, line: str
) -> None:
    cluster.put(plural, "so", spec=spec, metadata={"annotations": annotations})
    with pytest.raises(Problem) as caught:
        Scale().create(context(), declared(desired))
    assert caught.value.name == "pause-fought"
    assert f"- {line}" in caught.value.cure
    assert {method for method, _, _ in cluster.calls} == {"GET"}


@pytest.mark.parametrize(
    ("plural", "spec", "annotations"),
    [
        ("scaledobjects", ETL, {PAUSED: "true"}),
        ("scaledobjects", ETL, {PAUSED_REPLICAS: "0"}),
        ("scaledobjects", {"scaleTargetRef": {"name": "another"}}, {}),
        ("scaledobjects", {"scaleTargetRef": {"kind": "StatefulSet", "name": "etl"}}, {}),
        ("horizontalpodautoscalers", ETL | {"minReplicas": 2, "maxReplicas": 9}, {}),
    ],
)
def test_what_is_held_or_scales_something_else_does_not_fight_a_pause(
    cluster: Memory, plural: str, spec: Any, annotations: dict[str, str]
) -> None:
    cluster.put(plural, "so", spec=spec, metadata={"annotations": annotations})
    _, state = Scale().create(context(), declared("none"))
    assert state["present"] == {"replicas": 0}


def test_an_hpa_that_keda_made_is_not_named_beside_its_scaled_object(cluster: Memory) -> None:
    cluster.put(
        "scaledobjects", "so", spec=ETL, metadata={"annotations": {PAUSED_REPLICAS: "1"}, "uid": "u-so"}
    )
    owner = {"kind": "ScaledObject", "name": "so", "uid": "u-so"}
    metadata = {"ownerReferences": [owner]}
    cluster.put("horizontalpodautoscalers", "etl", spec=ETL | {"maxReplicas": 9}, metadata=metadata)
    cluster.put("pods", "etl-1", metadata={"labels": {"app": "etl"}}, status=_ready())
    Scale().create(context(), declared("canary"))
    with pytest.raises(Problem, match="made by KEDA") as caught:
        Autoscaler().create(context(), declared("none", Autoscaler))
    assert "keda: {namespace: ns, name: so}" in caught.value.cure


def _ready() -> Any:
    return {"conditions": [{"type": "Ready", "status": "True"}]}


def test_whoever_sets_the_replicas_back_is_named(cluster: Memory) -> None:
    cluster.put("pods", "etl-1", metadata={"labels": {"app": "etl"}})
    owned = {"manager": "argocd", "time": "2", "fieldsV1": {"f:spec": {"f:replicas": {}}}}

    def theirs(_text: str) -> None:
        found = cluster.one("deployments", "etl")
        found["spec"]["replicas"], found["metadata"]["managedFields"] = 3, [owned]

    with pytest.raises(Problem, match="was set to 3 replicas by argocd, while 0 are to run"):
        Scale().create(Context("urn", theirs), declared("none"))


def test_a_right_to_look_that_is_missing_is_noted_and_any_other_failure_told(cluster: Memory) -> None:
    notes: list[str] = []
    deployment = cluster.one("deployments", "etl")
    cluster.answers.extend([(200, deployment), (403, {"message": "no"})])
    Scale().create(Context("urn", note=notes.append), declared("none"))
    assert notes[0].startswith("Nobody looked whether a scaledobject undoes it")
    cluster.answers.extend([(200, deployment), (401, {})])
    with pytest.raises(Problem) as caught:
        Scale().create(context(), declared("none"))
    assert caught.value.name == "kubernetes-unauthorized"


def test_a_keda_that_does_not_act_is_named(cluster: Memory) -> None:
    cluster.put("scaledobjects", "etl", spec=ETL)
    with pytest.raises(Problem, match=r"within 0\.05 s: it has 3") as caught:
        ScaledObject().create(context(), declared("none", ScaledObject))
    assert caught.value.name == "keda-unresponsive"


def test_a_target_of_another_kind_is_told(cluster: Memory) -> None:
    cluster.put("scaledobjects", "etl", spec={"scaleTargetRef": {"kind": "Rollout", "name": "etl"}})
    with pytest.raises(Problem, match="scales a Rollout") as caught:
        ScaledObject().create(context(), declared("none", ScaledObject))
    assert caught.value.name == "target-not-scalable"
