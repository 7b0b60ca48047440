"""What the program declares for a cluster at each stage: existing objects by name, and nothing of its own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stacks.deployment import Deployment, Secret, deploy
from tests.stacks.test_program import THERE, stage

PLACE = {"namespace": "starforge", "timeout": 300}
WRITERS: list[dict[str, Any]] = [
    {"deployment": {"namespace": "starforge", "name": "etl", "replicas": 6}},
    {"stateful-set": {"namespace": "starforge", "name": "consumer"}},
    {"keda": {"namespace": "starforge", "name": "importer"}},
    {"hpa": {"namespace": "starforge", "name": "api", "context": "prod"}},
    {"cron-job": {"namespace": "starforge", "name": "nightly"}},
    {"job": {"namespace": "starforge", "name": "backfill", "suspend": True}},
    {"config-map-flag": {"namespace": "starforge", "name": "flags", "key": "ingestion"}},
]
ENDPOINTS: list[dict[str, Any]] = [
    {"kubernetes-secret": {"namespace": "starforge", "name": "api", "key": "DATABASE_URL"}},
    {"config-map": {"namespace": "starforge", "name": "api", "key": "HOST", "holds": "host"}},
    {"external-secret": {"namespace": "starforge", "name": "database", "rollout": ["api"]}},
]


def at(name: str) -> Deployment:
    raw = stage(name)
    return deploy({**raw, "writers": WRITERS, "endpoints": ENDPOINTS})


def ours(deployment: Deployment) -> dict[str, dict[str, Any]]:
    return {
        name: one.inputs
        for name, one in deployment.resources.items()
        if one.type.startswith("dbrestore:kubernetes:")
    }


def test_every_writer_is_an_object_that_is_there_already() -> None:
    found = at("paused").resources
    assert {name: one.type.rpartition(":")[2] for name, one in found.items() if "desired" in one.inputs} == {
        "deployment:starforge/etl": "Scale",
        "stateful-set:starforge/consumer": "Scale",
        "keda:starforge/importer": "ScaledObject",
        "hpa:prod/starforge/api": "Autoscaler",
        "cron-job:starforge/nightly": "Schedule",
        "job:starforge/backfill": "Job",
    }
    inputs = ours(at("paused"))
    assert inputs["deployment:starforge/etl"] == PLACE | {
        "name": "etl",
        "kind": "deployment",
        "replicas": 6,
        "desired": "none",
    }
    assert inputs["hpa:prod/starforge/api"] == PLACE | {"name": "api", "cluster": "prod", "desired": "none"}
    assert inputs["job:starforge/backfill"] == PLACE | {
        "name": "backfill",
        "suspend": True,
        "desired": "none",
    }


@pytest.mark.parametrize(
    ("name", "desired", "flag"),
    [
        ("before", "all", "true"),
        ("paused", "none", "false"),
        ("canary", "canary", "false"),
        ("recovered", "all", "true"),
    ],
)
def test_a_stage_says_how_much_may_write(name: str, desired: str, flag: str) -> None:
    inputs = ours(at(name))
    assert {one["desired"] for one in inputs.values() if "desired" in one} == {desired}
    assert inputs["config-map-flag:starforge/flags#ingestion"]["value"] == flag


def test_an_endpoint_holds_the_url_or_a_part_of_it_and_shows_no_password() -> None:
    inputs = ours(at("cut over"))
    secret = inputs["kubernetes-secret:starforge/api#DATABASE_URL"]
    assert secret == PLACE | {
        "name": "api",
        "key": "DATABASE_URL",
        "value": Secret(THERE),
        "shown": THERE.replace("hunter2", "***"),
    }
    assert inputs["config-map:starforge/api#HOST"]["value"] == "127.0.0.1"
    external = inputs["external-secret:starforge/database#DATABASE_URL"]
    assert (external["rollout"], external["value"]) == (["api"], Secret(THERE))


@pytest.mark.parametrize("name", ["before", "rolled back"])
def test_for_the_source_an_endpoint_holds_what_was_there_before(name: str) -> None:
    inputs = ours(at(name))
    for entry in (
        "kubernetes-secret:starforge/api#DATABASE_URL",
        "external-secret:starforge/database#DATABASE_URL",
    ):
        assert "value" not in inputs[entry]
        assert inputs[entry]["shown"] == "what was there before"


def test_values_and_originals_are_secret_outputs() -> None:
    one = at("before").resources["kubernetes-secret:starforge/api#DATABASE_URL"]
    assert one.secret_outputs == ("held", "original", "previous", "value")
