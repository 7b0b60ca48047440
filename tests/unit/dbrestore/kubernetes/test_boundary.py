"""The boundary to the API: what answers mean, how long it is patient, and that nothing is told in clear."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import urllib3
from kubernetes.client.exceptions import ApiException

from dbrestore.handler import Context
from dbrestore.kubernetes import api, connection
from dbrestore.kubernetes.api import Api, as_labels, connect
from dbrestore.kubernetes.connection import client
from dbrestore.kubernetes.kinds import DEPLOYMENT, SECRET, Found
from problem import Problem
from tests.unit.dbrestore.kubernetes.memory import Memory, context, workload

REFUSED = {
    "reason": "Invalid",
    "message": "hush is not valid",
    "details": {"causes": [{"field": "data.URL", "reason": "FieldValueInvalid", "message": "hush"}]},
}


@pytest.mark.parametrize(
    ("status", "name"),
    [(401, "kubernetes-unauthorized"), (403, "kubernetes-forbidden"), (422, "kubernetes-refused")],
)
def test_a_refusal_is_named(cluster: Memory, status: int, name: str) -> None:
    cluster.answers.append((status, {"message": "no"}))
    with pytest.raises(Problem, match="secret api in namespace ns") as caught:
        connect(None, context()).get(SECRET, "ns", "api")
    assert caught.value.name == name


def test_a_refused_value_is_not_repeated(cluster: Memory) -> None:
    cluster.answers.append((422, REFUSED))
    with pytest.raises(Problem, match=r"Invalid: data.URL \(FieldValueInvalid\)") as caught:
        connect(None, context()).get(SECRET, "ns", "api")
    assert "hush" not in str(caught.value)


def test_an_answer_that_is_no_json_is_refused_in_our_words(cluster: Memory) -> None:
    cluster.answers.append((400, b"<html>a proxy's page</html>"))
    with pytest.raises(Problem, match="HTTP 400"):
        connect(None, context()).get(SECRET, "ns", "api")


@pytest.mark.parametrize(
    "first",
    [
        (429, {}),
        (503, {}),
        urllib3.exceptions.ProtocolError("Connection aborted."),
        ConnectionRefusedError(),
        ApiException(status=0, reason="SSLError\nEOF"),
    ],
)
def test_a_server_that_is_busy_or_away_is_asked_again(cluster: Memory, first: Any) -> None:
    cluster.put("deployments", "etl", spec=workload(1))
    cluster.answers.extend([first, first])
    told: list[str] = []
    assert connect(None, context(told)).get(DEPLOYMENT, "ns", "etl").name == "etl"
    assert len(cluster.calls) == 3
    assert "https://memory is away" in told[0]


def test_patience_has_an_end(cluster: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "PATIENCE", 0.01)
    cluster.answers.extend([(503, {})] * 9)
    with pytest.raises(Problem, match=r"HTTP 503") as caught:
        connect(None, context()).get(DEPLOYMENT, "ns", "etl")
    assert caught.value.name == "kubernetes-unreachable"


def test_an_interrupt_ends_the_patience(cluster: Memory) -> None:
    cancelled = threading.Event()
    cluster.answers.extend([(503, {})] * 99)
    with pytest.raises(Problem) as caught:
        connect(None, Context("urn", lambda _text: cancelled.set(), cancelled)).get(DEPLOYMENT, "ns", "etl")
    assert caught.value.name == "interrupted"
    assert len(cluster.calls) < 4


def test_a_write_that_was_repeated_is_not_made_twice(cluster: Memory) -> None:
    """The first one arrived, its answer did not: the revision tells."""
    cluster.put("deployments", "etl", spec=workload(3))
    found = connect(None, context()).get(DEPLOYMENT, "ns", "etl")
    asked: list[Found] = []

    def halved(now: Found) -> dict[str, Any] | None:
        asked.append(now)
        count = now.at("spec", "replicas")
        return {"spec": {"replicas": 0}} if count else None

    cluster.after = _lose_one_answer(cluster)
    changed = connect(None, context()).change(found, halved)
    assert [one.at("spec", "replicas") for one in asked] == [3, 0]
    assert changed.at("spec", "replicas") == 0


def _lose_one_answer(cluster: Memory) -> Any:
    def lose() -> None:
        cluster.after = lambda: None
        raise urllib3.exceptions.ReadTimeoutError(None, "", "")  # type: ignore[arg-type] # no pool here

    return lose


def test_a_group_that_the_cluster_does_not_have_has_no_version(cluster: Memory) -> None:
    assert connect(None, context()).preferred("external-secrets.io") == ""
    cluster.answers.append((200, {"preferredVersion": {"groupVersion": "external-secrets.io/v1"}}))
    assert connect(None, context()).preferred("external-secrets.io") == "external-secrets.io/v1"


@pytest.mark.parametrize(
    ("selector", "labels"),
    [
        ({"matchLabels": {"app": "etl", "tier": "b"}}, "app=etl,tier=b"),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]}, "app in (a,b)"),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]}, "app notin (a)"),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, "app"),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, "!app"),
    ],
)
def test_a_selector_is_asked_for_as_it_stands(selector: dict[str, Any], labels: str) -> None:
    assert as_labels(selector) == labels


def test_who_wrote_a_field_last_is_known() -> None:
    def entry(manager: str, time: str, **fields: Any) -> dict[str, Any]:
        return {"manager": manager, "time": time, "fieldsV1": fields}

    managed = [
        entry("helm", "2025-01-01T00:00:00Z", **{"f:spec": {"f:replicas": {}}}),
        entry("kubectl", "2025-01-02T00:00:00Z", **{"f:spec": {"f:replicas": {}}}),
        entry("somebody", "2025-01-03T00:00:00Z", **{"f:spec": {"f:paused": {}}}),
    ]
    found = Found(DEPLOYMENT, {"metadata": {"managedFields": managed}})
    assert found.owner_of("spec", "replicas") == "kubectl"
    assert found.owner_of("spec", "selector") == ""


@pytest.mark.parametrize("inside", [True, False])
def test_a_kubeconfig_without_the_context_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("{apiVersion: v1, kind: Config, clusters: [], contexts: [], users: []}")
    monkeypatch.setenv("KUBECONFIG", str(path))
    if inside:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    with pytest.raises(Problem, match="context prod") as caught:
        client("prod")
    assert caught.value.name == "kubernetes-unconfigured"


def test_without_a_kubeconfig_the_pods_own_account_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    with pytest.raises(Problem, match="token"):  # there is none on this machine
        client(None)


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "kubernetes", None)
    with pytest.raises(Problem, match="pip install") as caught:
        connection.client(None)
    assert caught.value.name == "kubernetes-missing-package"


def test_an_object_that_is_deleted_between_is_told(cluster: Memory) -> None:
    cluster.put("deployments", "etl", spec=workload(1))
    work = Api(cluster, context())  # type: ignore[arg-type] # stands in for it
    found = work.get(DEPLOYMENT, "ns", "etl")
    cluster.objects.clear()
    with pytest.raises(Problem) as caught:
        work.change(found, lambda _now: {"spec": {"replicas": 0}})
    assert caught.value.name == "kubernetes-missing"
