"""The boundary to a real API server: away for a while, or not for us, or written to by everybody."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from dbrestore.entries.place import Moved
from dbrestore.kubernetes import api
from dbrestore.kubernetes.keys import ConfigMapKey
from dbrestore.kubernetes.kinds import CONFIG_MAP, Found
from dbrestore.kubernetes.scale import Scale
from problem import Problem
from tests.functional.kubernetes.cluster import Body, Cluster, documented_role, workload
from tests.functional.kubernetes.controller import controlled
from tests.functional.kubernetes.line import Line, line_to

pytestmark = [pytest.mark.slow, pytest.mark.clouds]


def scale(cluster: Cluster, desired: str) -> Any:
    values = {"namespace": cluster.namespace, "name": "etl", "kind": "deployment"}
    return Scale.inputs.model_validate({**values, "desired": desired, "timeout": 5})


def through(cluster: Cluster, line: Line, tmp_path: Path, patch: pytest.MonkeyPatch, token: str = "") -> None:
    """Let what is tested go through the line."""
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(cluster.server.config(token or cluster.server.lesser_token, line.port)))
    patch.setenv("KUBECONFIG", str(path))


def test_a_server_that_is_away_for_a_while_is_waited_for(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=2))
    with line_to(cluster.server.port) as line, controlled(cluster):
        through(cluster, line, tmp_path, monkeypatch)
        line.cut.set()
        back = threading.Thread(target=lambda: (line.enough.wait(20), line.cut.clear()))
        back.start()
        _, state = Scale().create(cluster.context, scale(cluster, "none"))
        back.join()
    assert line.refused >= 3
    assert state["original"] == {"replicas": 2}
    assert any("is away" in text for text in cluster.told)


def test_a_server_that_stays_away_ends_in_a_named_state(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "PATIENCE", 0.5)
    with line_to(cluster.server.port) as line:
        through(cluster, line, tmp_path, monkeypatch)
        line.cut.set()
        with pytest.raises(Problem, match="deployment etl") as caught:
            Scale().create(cluster.context, scale(cluster, "none"))
        assert caught.value.name == "kubernetes-unreachable"
        cluster.cancelled.set()
        with pytest.raises(Problem) as caught:
            Scale().create(cluster.context, scale(cluster, "none"))
        assert caught.value.name == "interrupted"


def test_an_unknown_token_is_told(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with line_to(cluster.server.port) as line:
        through(cluster, line, tmp_path, monkeypatch, token="expired")
        with pytest.raises(Problem) as caught:
            Scale().examine(cluster.context, scale(cluster, "none"))
    assert caught.value.name == "kubernetes-unauthorized"
    assert "expired" not in str(caught.value)


def without(resource: str) -> Body:
    role = documented_role()
    return role | {"rules": [rule for rule in role["rules"] if resource not in rule["resources"]]}


def test_a_missing_right_is_told_and_nothing_was_changed(cluster: Cluster) -> None:
    before = cluster.make("Deployment", "etl", spec=workload(replicas=2))
    cluster.allow(without("deployments"))
    with pytest.raises(Problem, match='cannot get resource "deployments"') as caught:
        Scale().create(cluster.context, scale(cluster, "none"))
    assert caught.value.name == "kubernetes-forbidden"
    assert cluster.get("Deployment", "etl") == before


def test_a_pause_works_without_the_right_to_look_for_autoscalers_and_says_so(cluster: Cluster) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=2))
    cluster.allow(without("horizontalpodautoscalers"))
    with controlled(cluster):
        Scale().create(cluster.context, scale(cluster, "none"))
    assert "Nobody looked whether a hpa undoes it" in cluster.notes[0]


def test_an_object_that_others_write_all_the_time_ends_in_a_named_state(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=2))
    patch, count = api.Api.patch, iter(range(100))

    def contended(self: api.Api, found: Found, change: Any) -> Found:
        cluster.merge("Deployment", "etl", {"metadata": {"labels": {"n": str(next(count))}}}, by="busybody")
        return patch(self, found, change)

    monkeypatch.setattr(api.Api, "patch", contended)
    with pytest.raises(Problem, match="busybody") as caught:
        Scale().create(cluster.context, scale(cluster, "none"))
    assert caught.value.name == "kubernetes-contended"
    assert cluster.get("Deployment", "etl")["spec"]["replicas"] == 2


def test_a_write_between_is_kept_and_ours_comes_after_it(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.make("Deployment", "etl", spec=workload(replicas=2))
    patch, once = api.Api.patch, ["theirs"]

    def overtaken(self: api.Api, found: Found, change: Any) -> Found:
        if once:
            cluster.merge("Deployment", "etl", {"metadata": {"labels": {"by": once.pop()}}})
        return patch(self, found, change)

    monkeypatch.setattr(api.Api, "patch", overtaken)
    with controlled(cluster):
        Scale().create(cluster.context, scale(cluster, "none"))
    found = cluster.get("Deployment", "etl")
    assert (found["metadata"]["labels"], found["spec"]["replicas"]) == ({"by": "theirs"}, 0)


def test_an_object_made_anew_under_its_name_is_another_one(cluster: Cluster) -> None:
    """A patch never reaches an object that took the place of the one that was read."""
    cluster.make("ConfigMap", "api", data={"DATABASE_URL": "one"})
    place = ConfigMapKey().place(
        cluster.context,
        ConfigMapKey.inputs.model_validate(
            {"namespace": cluster.namespace, "name": "api", "key": "DATABASE_URL", "value": "two"}
        ),
    )
    seen = place.read()
    assert seen is not None
    cluster.remove("ConfigMap", "api")
    cluster.make("ConfigMap", "api", data={"DATABASE_URL": "theirs"})
    with pytest.raises(Moved):
        place.write("two", seen)
    assert place.api.get(CONFIG_MAP, cluster.namespace, "api").at("data") == {"DATABASE_URL": "theirs"}
