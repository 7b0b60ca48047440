"""What the program declares of a canary: a Deployment and a Secret of its own, nothing of the original's."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from stacks.canary import original
from tests.stacks.deployment import Declared, Deployment, Secret, deploy
from tests.stacks.test_program import THERE, stage
from tests.unit.stacks.canaries import COPY, LIVE, PLACE
from tests.unit.stacks.examples import WAIVED

pytestmark = pytest.mark.clouds
DEPLOYMENT, SECRET = "canary:starforge/api", "canary:starforge/api#DATABASE_URL"


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cluster, played; which deployments were read."""
    names: list[str] = []

    def read(place: Any) -> dict[str, Any]:
        names.append(place.labelled("read"))
        return LIVE

    monkeypatch.setattr(original, "read", read)
    return names


def at(name: str, **canary: Any) -> Deployment:
    raw = stage(name)
    there = {"restore": "r"} if raw.get("serving") != "r" else {}
    return deploy({**raw, "canary": {"deployment": PLACE, **there, **canary}})


def canaries(deployment: Deployment) -> list[Declared]:
    return [one for one in deployment.resources.values() if one.type.startswith("kubernetes:")]


def test_it_is_two_new_objects_and_the_original_is_only_read(asked: list[str]) -> None:
    found = at("validated")
    assert {one.name: one.type for one in canaries(found)} == {
        DEPLOYMENT: "kubernetes:apps/v1:Deployment",
        SECRET: "kubernetes:core/v1:Secret",
    }
    assert asked == ["read:starforge/api"]
    for one in canaries(found):
        assert one.inputs["metadata"]["name"] == COPY
        assert not one.protect
        assert one.timeouts == dict.fromkeys(("create", "update", "delete"), "300s")
    assert found.outputs["canary"] == "r"


def test_its_sessions_are_known_by_its_name_and_read_only_unless_they_may_write() -> None:
    read_only = "options=-c%20default_transaction_read_only%3Don"
    url = f"{THERE}?application_name={COPY}"
    assert at("validated").resources[SECRET].inputs["stringData"] == told(f"{url}&{read_only}")
    writing = at("validated", writes=True, **{"split-writes": WAIVED})
    assert writing.resources[SECRET].inputs["stringData"] == told(url)


def told(url: str) -> Secret:
    return Secret({"app.PORT": "8080", "DATABASE_URL": url})


def test_what_a_deployment_has_in_clear_is_shown_in_no_diff() -> None:
    variables = of_the_application()
    assert variables["PORT"]["valueFrom"]["secretKeyRef"] == {"name": COPY, "key": "app.PORT"}
    assert variables["PGAPPNAME"]["value"] == COPY
    assert variables["READ_URL"]["value"] == "$(DATABASE_URL)"


def test_what_is_made_of_variables_and_more_stays_and_is_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live = copy.deepcopy(LIVE)
    container = live["spec"]["template"]["spec"]["containers"][0]
    container["env"].append({"name": "API", "value": "https://u:key@api/$(PORT)"})
    monkeypatch.setattr(original, "read", lambda _place: live)
    assert of_the_application()["API"]["value"] == Secret("https://u:key@api/$(PORT)")


def of_the_application() -> dict[str, Any]:
    spec = at("validated").resources[DEPLOYMENT].inputs["spec"]["template"]["spec"]
    return {one["name"]: one for one in spec["containers"][0]["env"]}


def test_it_comes_after_the_restore_and_after_writers_have_stopped() -> None:
    after = set(at("validated", traffic=True).resources[DEPLOYMENT].after)
    assert {"r", SECRET, "supervisor-etl", "flag:/srv/app/flags.env#ingestion"} <= after
    raw = {**stage("validated"), "writing": "all", "canary": {"deployment": PLACE, "restore": "r"}}
    assert set(deploy(raw).resources[DEPLOYMENT].after) == {"r", SECRET}


@pytest.mark.parametrize("name", ["before", "cut over"])
def test_without_one_its_cluster_is_not_even_asked(name: str, asked: list[str]) -> None:
    there = {"restore": None} if name == "before" else {}
    assert canaries(at(name, **there)) == []
    assert asked == []


def test_another_cluster_has_a_provider_of_its_own() -> None:
    found = at("validated", deployment={**PLACE, "context": "east"}).resources
    assert found["cluster:east"].type == "pulumi:providers:kubernetes"
    assert found["cluster:east"].inputs["context"] == "east"
    assert "canary:east/starforge/api" in found
