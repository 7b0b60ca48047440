"""Secrets and ConfigMaps on a real API server: one key changes, and its readers get new pods."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from dbrestore.handler import Context, Handler, PartlyMade
from dbrestore.kubernetes.external_secret import ExternalSecret
from dbrestore.kubernetes.keys import ConfigMapKey, SecretKey
from dbrestore.kubernetes.rollout import MARK
from problem import Problem, Refusal
from tests.functional.kubernetes.cluster import Body, Cluster, workload
from tests.functional.kubernetes.controller import controlled

pytestmark = [pytest.mark.slow, pytest.mark.clouds]
OLD, NEW, THIRD = (
    "postgresql://app:hush@old/db",
    "postgresql://app:hush@new/db",
    "postgresql://app:hush@third/db",
)
KINDS: dict[str, type[Handler]] = {"Secret": SecretKey, "ConfigMap": ConfigMapKey}
both = pytest.mark.parametrize("kind", list(KINDS))


def declared(cluster: Cluster, value: str | None, **more: Any) -> Any:
    values = {"namespace": cluster.namespace, "name": "api", "key": "DATABASE_URL", "value": value}
    return SecretKey.inputs.model_validate({**values, "timeout": 5, **more})


def held(kind: str, **data: str) -> Body:
    if kind == "ConfigMap":
        return data
    return {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}


def make(cluster: Cluster, kind: str = "Secret", value: str = OLD, **body: Any) -> None:
    cluster.make(kind, "api", data=held(kind, DATABASE_URL=value, OTHER="stays"), **body)


def data(cluster: Cluster, kind: str = "Secret") -> Mapping[str, str]:
    found = cluster.get(kind, "api")
    assert MARK not in found["metadata"].get("annotations", {}), "nothing is left to roll out"
    if kind == "ConfigMap":
        return dict(found["data"])
    return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}


def reader(cluster: Cluster, name: str = "api", kind: str = "Secret", replicas: int = 2, **more: Any) -> None:
    reference = {
        "secretKeyRef" if kind == "Secret" else "configMapKeyRef": {"name": "api", "key": "DATABASE_URL"}
    }
    spec = workload(name, replicas, env=[{"name": "DATABASE_URL", "valueFrom": reference}])
    cluster.make("Deployment", name, spec={**spec, **more})


@both
def test_a_value_goes_there_and_back_and_its_readers_with_it(cluster: Cluster, kind: str) -> None:
    make(cluster, kind)
    reader(cluster, kind=kind)
    cluster.make("Deployment", "web", spec=workload("web", 1))
    handler = KINDS[kind]()
    with controlled(cluster, "api"):
        identity, state = handler.create(cluster.context, declared(cluster, OLD))
        first = {pod["metadata"]["name"] for pod in cluster.all("Pod")}
        state = handler.update(cluster.context, identity, state, declared(cluster, NEW))
        second = {pod["metadata"]["name"] for pod in cluster.all("Pod")}
        assert data(cluster, kind) == {"DATABASE_URL": NEW, "OTHER": "stays"}
        assert not first & second, "no pod of before is left"
        assert len(second) == 2
        state = handler.update(cluster.context, identity, state, declared(cluster, None))
        assert data(cluster, kind) == {"DATABASE_URL": OLD, "OTHER": "stays"}
        assert not second & {pod["metadata"]["name"] for pod in cluster.all("Pod")}
    assert state["original"] == OLD
    assert cluster.get("Deployment", "web")["metadata"]["generation"] == 1


@both
def test_a_value_that_is_there_already_starts_nothing_anew(cluster: Cluster, kind: str) -> None:
    make(cluster, kind)
    reader(cluster, kind=kind)
    before = cluster.get(kind, "api")
    KINDS[kind]().create(cluster.context, declared(cluster, OLD))
    assert cluster.get(kind, "api") == before
    assert cluster.get("Deployment", "api")["metadata"]["generation"] == 1


@both
def test_a_value_that_somebody_else_changed_is_refused_and_not_told(cluster: Cluster, kind: str) -> None:
    make(cluster, kind)
    identity, state = KINDS[kind]().create(cluster.context, declared(cluster, OLD))
    cluster.merge(kind, "api", {"data": held(kind, DATABASE_URL=THIRD)})
    with pytest.raises(Refusal, match=f"DATABASE_URL of {kind.lower()} api") as caught:
        KINDS[kind]().update(cluster.context, identity, state, declared(cluster, NEW))
    assert caught.value.name == "changed-meanwhile"
    assert "hush" not in str(caught.value)
    assert data(cluster, kind)["DATABASE_URL"] == THIRD


def test_a_write_in_between_of_another_key_is_kept(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    make(cluster)
    place = SecretKey().place(cluster.context, declared(cluster, NEW), {})
    look, others = place.look, ["changed meanwhile"]

    def looked() -> Any:
        found = look()
        if others:
            cluster.merge("Secret", "api", {"data": held("Secret", OTHER=others.pop())})
        return found

    monkeypatch.setattr(place, "look", looked)
    monkeypatch.setattr(SecretKey, "place", lambda *_: place)
    SecretKey().create(cluster.context, declared(cluster, NEW))
    assert data(cluster) == {"DATABASE_URL": NEW, "OTHER": "changed meanwhile"}


def test_a_pod_that_never_gets_ready_is_named_with_the_way_back(cluster: Cluster) -> None:
    make(cluster)
    reader(cluster)
    with controlled(cluster, "api") as controller:
        identity, state = SecretKey().create(cluster.context, declared(cluster, OLD))
        controller.unready = "CrashLoopBackOff"
        with pytest.raises(PartlyMade, match=r"api-3 \(app: CrashLoopBackOff\)") as caught:
            SecretKey().update(cluster.context, identity, state, declared(cluster, NEW, timeout=0.5))
        assert caught.value.name == "rollout-stuck"
        assert "reforge rollback" in caught.value.cure
        assert len(cluster.all("Pod")) == 4, "those of before still serve"
        partly = caught.value.state
        assert SecretKey().drift(partly, None) == {"readers"}, "the next up goes on even with the same inputs"
        controller.unready = ""
        for pod in cluster.all("Pod"):
            if pod["metadata"]["name"] in ("api-3", "api-4"):
                cluster.remove("Pod", pod["metadata"]["name"])
        state = SecretKey().update(cluster.context, identity, partly, declared(cluster, NEW))
    assert SecretKey().drift(state, None) == frozenset()
    assert data(cluster)["DATABASE_URL"] == NEW


def test_a_killed_rollout_is_gone_on_with(cluster: Cluster) -> None:
    """The value was written, and nobody was there to start the readers anew."""
    make(cluster)
    reader(cluster)
    with controlled(cluster, "api") as controller:
        place = SecretKey().place(cluster.context, declared(cluster, NEW), {})
        seen = place.read()
        assert seen is not None
        place.write(NEW, seen)
        before = controller.cluster.all("Pod")
        SecretKey().create(cluster.context, declared(cluster, NEW))
        after = cluster.all("Pod")
    assert not {pod["metadata"]["uid"] for pod in before} & {pod["metadata"]["uid"] for pod in after}
    assert data(cluster)["DATABASE_URL"] == NEW


def test_a_value_that_somebody_wrote_in_our_place_still_starts_the_readers_anew(cluster: Cluster) -> None:
    make(cluster)
    reader(cluster)
    with controlled(cluster, "api"):
        identity, state = SecretKey().create(cluster.context, declared(cluster, OLD))
        cluster.merge("Secret", "api", {"data": held("Secret", DATABASE_URL=NEW)})
        SecretKey().update(cluster.context, identity, state, declared(cluster, NEW))
    assert cluster.get("Deployment", "api")["metadata"]["generation"] == 2


def test_a_deployment_whose_rollouts_are_paused_is_told(cluster: Cluster) -> None:
    make(cluster)
    reader(cluster, paused=True)
    with controlled(cluster, "api", stuck=True), pytest.raises(PartlyMade, match=r"paused \(spec.paused\)"):
        SecretKey().create(cluster.context, declared(cluster, NEW, timeout=0.3))


@pytest.mark.parametrize(
    "pod",
    [
        {"containers": [{"name": "c", "image": "i", "envFrom": [{"secretRef": {"name": "api"}}]}]},
        {"volumes": [{"name": "v", "secret": {"secretName": "api"}}]},
        {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "api"}}]}}]},
    ],
)
def test_readers_are_found_however_they_read(cluster: Cluster, pod: Body) -> None:
    make(cluster)
    spec = workload("web", 0)
    spec["template"]["spec"] |= pod
    cluster.make("StatefulSet", "web", spec=spec)
    SecretKey().create(cluster.context, declared(cluster, NEW))
    assert cluster.get("StatefulSet", "web")["metadata"]["generation"] == 2


@pytest.mark.parametrize(("rollout", "generation"), [([], 1), (["web"], 2)])
def test_the_config_says_who_is_started_anew(cluster: Cluster, rollout: list[str], generation: int) -> None:
    make(cluster)
    reader(cluster, replicas=0)
    cluster.make("Deployment", "web", spec=workload("web", 0))
    SecretKey().create(cluster.context, declared(cluster, NEW, rollout=rollout))
    assert cluster.get("Deployment", "web")["metadata"]["generation"] == generation
    assert cluster.get("Deployment", "api")["metadata"]["generation"] == 1


@both
def test_a_key_that_is_not_there_is_not_added(cluster: Cluster, kind: str) -> None:
    make(cluster, kind)
    with pytest.raises(Problem, match="URL2 of") as caught:
        KINDS[kind]().create(cluster.context, declared(cluster, NEW, key="URL2"))
    assert caught.value.name == "key-missing"
    cluster.remove(kind, "api")
    with pytest.raises(Problem) as caught:
        KINDS[kind]().create(cluster.context, declared(cluster, NEW))
    assert caught.value.name == "kubernetes-missing"


@both
def test_an_immutable_object_is_told(cluster: Cluster, kind: str) -> None:
    make(cluster, kind, immutable=True)
    with pytest.raises(Problem) as caught:
        KINDS[kind]().create(cluster.context, declared(cluster, NEW))
    assert caught.value.name == "object-immutable"


@both
def test_bite_giving_a_patched_key_up_deletes_it(cluster: Cluster, kind: str) -> None:
    make(cluster, kind)
    cluster.apply(kind, "api", "patch", force=True, data=held(kind, DATABASE_URL=NEW)).raise_for_status()
    cluster.give_up(kind, "api", "patch")
    assert "DATABASE_URL" not in data(cluster, kind), "neither the new value nor the one before"


@both
def test_no_longer_managing_a_key_leaves_it(cluster: Cluster, kind: str) -> None:
    make(cluster, kind)
    identity, state = KINDS[kind]().create(cluster.context, declared(cluster, NEW))
    KINDS[kind]().delete(cluster.context, identity, state)
    assert data(cluster, kind) == {"DATABASE_URL": NEW, "OTHER": "stays"}


def test_a_key_that_vanished_is_told_and_not_made_anew(cluster: Cluster) -> None:
    make(cluster)
    identity, state = SecretKey().create(cluster.context, declared(cluster, OLD))
    cluster.merge("Secret", "api", {"data": {"DATABASE_URL": None}})
    assert SecretKey().read(cluster.context, identity, state) is None
    with pytest.raises(Problem) as caught:
        SecretKey().update(cluster.context, identity, state, declared(cluster, NEW))
    assert caught.value.name == "key-missing"


def external(cluster: Cluster, **spec: Any) -> None:
    cluster.define("ExternalSecret")
    cluster.make("ExternalSecret", "database", spec={"target": {"name": "api"}, **spec})
    make(cluster)


def operator(cluster: Cluster, value: str) -> Context:
    """The operator, woken by the progress that we tell: it copies when it was asked to."""

    def sync(_text: str) -> None:
        asked = cluster.get("ExternalSecret", "database")["metadata"].get("annotations", {})
        if "force-sync" in asked:
            cluster.merge(
                "Secret", "api", {"data": held("Secret", DATABASE_URL=value)}, by="external-secrets"
            )

    return Context("urn:test", sync, cluster.cancelled, cluster.notes.append)


def test_a_copied_secret_is_synced_at_once_and_its_readers_follow(cluster: Cluster) -> None:
    external(cluster)
    reader(cluster)
    with controlled(cluster, "api"):
        identity, state = ExternalSecret().create(cluster.context, declared(cluster, OLD, name="database"))
        inputs = declared(cluster, NEW, name="database")
        ExternalSecret().update(operator(cluster, NEW), identity, state, inputs)
        assert data(cluster)["DATABASE_URL"] == NEW
    assert cluster.get("Deployment", "api")["metadata"]["generation"] == 2
    assert MARK not in cluster.get("ExternalSecret", "database")["metadata"]["annotations"]


def test_a_copy_that_does_not_come_is_told_by_its_status(cluster: Cluster) -> None:
    external(cluster)
    condition = {"type": "Ready", "status": "False", "reason": "SecretSyncedError", "message": "hush"}
    cluster.merge("ExternalSecret", "database", {"status": {"conditions": [condition]}}, "status")
    with pytest.raises(Problem, match=r"Ready is False \(SecretSyncedError\), last synced never") as caught:
        ExternalSecret().create(cluster.context, declared(cluster, NEW, name="database", timeout=0.2))
    assert caught.value.name == "external-secret-not-synced"
    assert "hush" not in str(caught.value)


def test_a_secret_that_is_copied_only_once_is_told_without_waiting(cluster: Cluster) -> None:
    external(cluster, refreshPolicy="CreatedOnce")
    with pytest.raises(Problem, match="CreatedOnce"):
        ExternalSecret().create(cluster.context, declared(cluster, NEW, name="database", timeout=3600))
