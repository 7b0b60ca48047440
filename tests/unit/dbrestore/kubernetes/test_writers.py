"""Writers, quickly: every original comes back, and every change that is made is one that was meant."""

from __future__ import annotations

from typing import Any

import pytest

from dbrestore.handler import Handler, PartlyMade
from dbrestore.kubernetes.autoscaler import Autoscaler
from dbrestore.kubernetes.fights import PAUSED_REPLICAS
from dbrestore.kubernetes.job import Job
from dbrestore.kubernetes.originals import NOTE
from dbrestore.kubernetes.scale import Scale
from dbrestore.kubernetes.scaled_object import ScaledObject
from dbrestore.kubernetes.schedule import Schedule
from problem import Problem
from tests.unit.dbrestore.kubernetes.memory import Memory, context, path, workload

TARGET = {"kind": "Deployment", "name": "etl"}
OBJECTS: dict[type[Handler], tuple[str, dict[str, Any]]] = {
    Scale: ("deployments", workload(3)),
    Schedule: ("cronjobs", {"suspend": False}),
    Job: ("jobs", {"suspend": False, "selector": {"matchLabels": {"job": "etl"}}}),
    Autoscaler: ("horizontalpodautoscalers", {"scaleTargetRef": TARGET, "minReplicas": 2, "maxReplicas": 9}),
    ScaledObject: ("scaledobjects", {"scaleTargetRef": TARGET}),
}


def declared(kind: type[Handler], desired: str, **more: Any) -> Any:
    own: dict[str, Any] = {Scale: {"kind": "deployment"}, Job: {"suspend": True}}.get(kind, {})
    values = {"namespace": "ns", "name": "etl", "desired": desired, "timeout": 0.05}
    return kind.inputs.model_validate(values | own | more)


def controllers(cluster: Memory) -> Any:
    """KEDA, and what makes and ends pods."""

    def act() -> None:
        scaled = cluster.objects.get(path("scaledobjects", "etl"), {"metadata": {}})
        held = scaled["metadata"].get("annotations", {}).get(PAUSED_REPLICAS)
        spec = cluster.one("deployments", "etl")["spec"]
        spec["replicas"] = int(held) if held else spec["replicas"]
        for number in range(9):
            cluster.objects.pop(path("pods", f"etl-{number}"), None)
        for number in range(spec["replicas"]):
            ready = [{"type": "Ready", "status": "True"}]
            cluster.put(
                "pods", f"etl-{number}", metadata={"labels": {"app": "etl"}}, status={"conditions": ready}
            )

    return act


@pytest.fixture(params=list(OBJECTS), ids=lambda kind: kind.__name__)
def writer(request: pytest.FixtureRequest, cluster: Memory) -> type[Handler]:
    cluster.put("deployments", "etl", spec=workload(3))
    kind: type[Handler] = request.param
    plural, spec = OBJECTS[kind]
    cluster.put(plural, "etl", spec=dict(spec))
    cluster.after = controllers(cluster)
    return kind


def test_all_of_it_comes_back_after_a_pause_and_a_canary(cluster: Memory, writer: type[Handler]) -> None:
    plural, spec = OBJECTS[writer]
    identity, state = writer().create(context(), declared(writer, "none"))
    assert cluster.one(plural, "etl")["metadata"]["annotations"][NOTE]
    seen = writer().read(context(), identity, state)
    assert seen is not None
    assert writer().drift(seen, None) == frozenset()
    for desired in ("canary", "all"):
        state = writer().update(context(), identity, state, declared(writer, desired))
    assert cluster.one(plural, "etl")["spec"] == spec
    assert cluster.one("deployments", "etl")["spec"]["replicas"] in (1, 3)  # 1: KEDA's to say
    assert all(NOTE not in one["metadata"].get("annotations", {}) for one in cluster.objects.values())


def test_what_a_killed_pause_has_stopped_is_seen_and_comes_back(
    cluster: Memory, writer: type[Handler]
) -> None:
    plural, spec = OBJECTS[writer]
    identity, state = writer().create(context(), declared(writer, "all"))
    assert writer().drift(writer().read(context(), identity, state) or {}, None) == frozenset()
    writer().update(context(), identity, state, declared(writer, "none"))  # nobody lived to keep its state
    seen = writer().read(context(), identity, state)
    assert seen is not None
    assert writer().drift(seen, None) == {"halfway"}
    now = writer().update(context(), identity, seen, declared(writer, "all"))
    assert cluster.one(plural, "etl")["spec"] == spec
    assert "halfway" not in now


def test_no_writer_touches_what_may_work(cluster: Memory, writer: type[Handler]) -> None:
    identity, state = writer().create(context(), declared(writer, "all"))
    writer().update(context(), identity, state, declared(writer, "all", timeout=1))
    writer().delete(context(), identity, state)
    assert {method for method, _, _ in cluster.calls} == {"GET"}


def test_nothing_of_ours_deletes_or_applies(cluster: Memory, writer: type[Handler]) -> None:
    identity, state = writer().create(context(), declared(writer, "none"))
    state = writer().update(context(), identity, state, declared(writer, "all"))
    writer().delete(context(), identity, state)
    assert {method for method, _, _ in cluster.calls} == {"GET", "PATCH"}
    assert all(body["metadata"]["resourceVersion"] for method, _, body in cluster.calls if method == "PATCH")


def test_the_original_is_noted_in_the_write_that_changes(cluster: Memory, writer: type[Handler]) -> None:
    writer().create(context(), declared(writer, "none"))
    written = [body for method, _, body in cluster.calls if method == "PATCH"]
    assert all(NOTE in body["metadata"]["annotations"] for body in written)


def test_a_writer_that_is_gone_is_gone(cluster: Memory, writer: type[Handler]) -> None:
    identity, state = writer().create(context(), declared(writer, "none"))
    cluster.objects = {at: one for at, one in cluster.objects.items() if f"/{OBJECTS[writer][0]}/" not in at}
    seen = writer().read(context(), identity, state)
    assert seen is None or seen["present"] == {}
    assert writer().read(context(), identity, {}) is None


def test_pods_that_do_not_end_are_named(cluster: Memory) -> None:
    cluster.put("deployments", "etl", spec=workload(3))
    metadata = {"labels": {"app": "etl"}, "deletionTimestamp": "2025-12-03T14:23:00Z"}
    cluster.put("pods", "etl-1", metadata=metadata)
    cluster.put("pods", "etl-2", metadata={"labels": {"app": "etl"}}, status={"phase": "Succeeded"})
    with pytest.raises(PartlyMade, match=r": etl-1 \(terminating since 2025-12-03T14:23:00Z\)\.") as caught:
        Scale().create(context(), declared(Scale, "none"))
    assert caught.value.state["original"] == {"replicas": 3}


def test_an_autoscaler_that_takes_some_back_at_once_does_not_keep_a_resume_waiting(cluster: Memory) -> None:
    cluster.put("deployments", "etl", spec=workload(0), metadata={"annotations": {NOTE: '{"replicas":4}'}})
    control = controllers(cluster)

    def scaled_down() -> None:
        cluster.one("deployments", "etl")["spec"]["replicas"] = 2
        control()

    cluster.after = scaled_down
    _, state = Scale().create(context(), declared(Scale, "all"))
    assert state["original"] == {"replicas": 4}


def test_a_note_that_somebody_spoilt_is_told(cluster: Memory) -> None:
    cluster.put("deployments", "etl", spec=workload(0), metadata={"annotations": {NOTE: "three"}})
    with pytest.raises(Problem, match="does not say what the original was") as caught:
        Scale().create(context(), declared(Scale, "all"))
    assert caught.value.name == "original-unreadable"


@pytest.mark.parametrize(
    ("status", "suspend", "runs"),
    [
        ({"active": 1}, False, True),
        ({}, False, True),
        ({}, True, False),
        ({"active": 1}, True, True),
        ({"conditions": [{"type": "Complete", "status": "True"}]}, False, False),
        ({"conditions": [{"type": "Failed", "status": "True"}]}, False, False),
        ({"conditions": [{"type": "Failed", "status": "False"}]}, False, True),
    ],
)
def test_a_job_runs_until_it_has_ended(
    cluster: Memory, status: dict[str, Any], suspend: bool, runs: bool
) -> None:
    cluster.put("jobs", "etl", spec={"suspend": suspend}, status=status)
    if runs:
        with pytest.raises(PartlyMade, match="ns/etl"):
            Job().create(context(), declared(Job, "none", suspend=False))
    else:
        Job().create(context(), declared(Job, "none", suspend=False))
