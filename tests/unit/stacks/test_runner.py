"""``runner`` in the config: what it takes, and what our plugin gets of it."""

from __future__ import annotations

from typing import Any

import pytest

from dbrestore.jobs.settings import Cluster
from problem import Misuse
from stacks.model import parse
from stacks.runner import Runner
from tests.unit.stacks.examples import good

LEAST = {"namespace": "reforge", "image": "registry.example.com/reforge:1"}


def runner(**more: Any) -> Runner:
    found = parse({**good(), "runner": {"kubernetes": {**LEAST, **more}}}).runner
    assert isinstance(found, Runner)
    return found


def test_the_plugin_takes_all_that_the_config_may_say() -> None:
    found = runner(
        **{
            "context": "prod", "shards": 8, "service-account": "reader", "environment-from": ["s3"],
            "image-pull-secrets": ["registry"], "node-selector": {"pool": "restore"},
            "tolerations": [{"key": "spot"}], "scratch": "50Gi", "timeout": 60, "start-timeout": 30,
            "resources": {"requests": {"cpu": "2"}, "limits": {"memory": "4Gi"}},
        }
    )  # fmt: skip
    cluster = Cluster.model_validate(found.plain())
    assert set(found.plain()) == {field.alias for field in Cluster.model_fields.values()}
    assert (cluster.cluster, cluster.shards, cluster.scratch) == ("prod", 8, "50Gi")
    assert cluster.resources == {"requests": {"cpu": "2"}, "limits": {"memory": "4Gi"}}


def test_namespace_and_image_are_enough() -> None:
    cluster = Cluster.model_validate(runner().plain())
    assert cluster == Cluster.model_validate(LEAST)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"shards": 0}, "reforge:runner.kubernetes.shards"),
        ({"namespace": "Not One"}, "reforge:runner.kubernetes.namespace"),
        ({"scratch": "ten"}, "reforge:runner.kubernetes.scratch"),
        ({"shard": 4}, "did you mean shards?"),
    ],
)
def test_a_wrong_value_is_told_by_its_place(more: dict[str, Any], words: str) -> None:
    with pytest.raises(Misuse, match=words.replace("?", r"\?")):
        runner(**more)
