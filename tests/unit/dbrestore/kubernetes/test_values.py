"""Keys, quickly: what is written, what is refused, and who is started anew."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from dbrestore.handler import PartlyMade
from dbrestore.kubernetes.external_secret import ExternalSecret
from dbrestore.kubernetes.keys import ConfigMapKey, SecretKey
from dbrestore.kubernetes.rollout import MARK
from problem import Problem, Refusal
from tests.unit.dbrestore.kubernetes.memory import Memory, context, workload


def declared(value: str | None, **more: Any) -> Any:
    values = {"namespace": "ns", "name": "api", "key": "URL", "value": value, "timeout": 0.05}
    return SecretKey.inputs.model_validate(values | more)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def reader(cluster: Memory, replicas: int) -> None:
    spec = workload(replicas)
    spec["template"]["spec"] = {"volumes": [{"secret": {"secretName": "api"}}]}
    cluster.put("deployments", "api", spec=spec)


@pytest.mark.parametrize("kind", [SecretKey, ConfigMapKey])
def test_one_key_is_written_and_nothing_else_of_the_object(cluster: Memory, kind: type[SecretKey]) -> None:
    plural, write = ("secrets", encoded) if kind is SecretKey else ("configmaps", str)
    cluster.put(plural, "api", data={"URL": write("one"), "OTHER": write("stays")})
    identity, state = kind().create(context(), declared("two"))
    assert identity == "ns/api#URL"
    assert cluster.one(plural, "api")["data"] == {"URL": write("two"), "OTHER": write("stays")}
    assert (state["original"], state["readers"]) == ("one", "current")
    written = [set(body) for method, _, body in cluster.calls if method == "PATCH"]
    assert written == [{"data", "metadata"}, {"metadata"}]
    kind().update(context(), identity, state, declared(None))
    assert cluster.one(plural, "api")["data"]["URL"] == write("one")


def test_values_are_secret_and_places_never_change() -> None:
    assert {"value", "original", "previous"} <= SecretKey.secrets
    assert set(SecretKey.fixed) == {"cluster", "namespace", "name", "key"}


def test_somebody_elses_value_is_refused_and_nothing_is_marked(cluster: Memory) -> None:
    cluster.put("secrets", "api", data={"URL": encoded("one")})
    identity, state = SecretKey().create(context(), declared("one"))
    cluster.put("secrets", "api", data={"URL": encoded("theirs")})
    cluster.calls.clear()
    with pytest.raises(Refusal) as caught:
        SecretKey().update(context(), identity, state, declared("two"))
    assert "theirs" not in str(caught.value)
    assert {method for method, _, _ in cluster.calls} == {"GET"}


def test_a_rollout_that_is_stuck_is_drift_until_it_is_done(cluster: Memory) -> None:
    cluster.put("secrets", "api", data={"URL": encoded("one")})
    reader(cluster, 1)
    with pytest.raises(PartlyMade, match="no new pod has been started") as caught:
        SecretKey().create(context(), declared("two"))
    assert caught.value.state["original"] == "one"
    assert SecretKey().drift(caught.value.state, None) == {"readers"}
    assert MARK in cluster.one("secrets", "api")["metadata"]["annotations"]
    reader(cluster, 0)
    state = SecretKey().update(context(), "", caught.value.state, declared("two"))
    assert SecretKey().drift(state, None) == frozenset()
    assert MARK not in cluster.one("secrets", "api")["metadata"]["annotations"]


@pytest.mark.parametrize(
    ("strategy", "words"),
    [({"paused": True}, "spec.paused"), ({"updateStrategy": {"type": "OnDelete"}}, "OnDelete")],
)
def test_a_workload_that_does_not_roll_by_itself_is_told(
    cluster: Memory, strategy: dict[str, Any], words: str
) -> None:
    cluster.put("secrets", "api", data={"URL": encoded("one")})
    cluster.put("statefulsets", "web", spec={**workload(1), **strategy})
    with pytest.raises(PartlyMade, match=words) as caught:
        SecretKey().create(context(), declared("two", rollout=["web"]))
    assert caught.value.name == "rollout-stuck"


def test_an_immutable_secret_is_told(cluster: Memory) -> None:
    cluster.put("secrets", "api", data={"URL": encoded("one")}, immutable=True)
    with pytest.raises(Problem) as caught:
        SecretKey().create(context(), declared("two"))
    assert caught.value.name == "object-immutable"


def test_a_copy_is_asked_for_and_never_written(cluster: Memory) -> None:
    cluster.put("externalsecrets", "copied", spec={"target": {"name": "api"}})
    cluster.put("secrets", "api", data={"URL": encoded("one")})

    def sync() -> None:
        cluster.one("secrets", "api")["data"] = {"URL": encoded("two")}

    cluster.after = sync
    ExternalSecret().create(context(), declared("two", name="copied"))
    patched = {path for method, path, _ in cluster.calls if method == "PATCH"}
    assert patched == {"/apis/external-secrets.io/v1/namespaces/ns/externalsecrets/copied"}


def test_a_copy_that_does_not_come_is_told(cluster: Memory) -> None:
    cluster.put("externalsecrets", "api")
    cluster.put("secrets", "api", data={"URL": encoded("one")})
    with pytest.raises(Problem, match="it has no status, last synced never") as caught:
        ExternalSecret().create(context(), declared("two"))
    assert caught.value.name == "external-secret-not-synced"


def test_a_missing_object_and_a_missing_key_are_told_apart(cluster: Memory) -> None:
    with pytest.raises(Problem) as caught:
        SecretKey().create(context(), declared("two"))
    assert caught.value.name == "kubernetes-missing"
    cluster.put("secrets", "api", data={"OTHER": "b25l"})
    with pytest.raises(Problem) as caught:
        SecretKey().create(context(), declared("two"))
    assert caught.value.name == "key-missing"
