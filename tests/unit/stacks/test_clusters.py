"""Settings of objects in a cluster: what is wrong is told, and the same object twice is one too many."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.kinds import load
from stacks.model import parse
from tests.unit.stacks.examples import good, the_line

ETL = {"namespace": "starforge", "name": "etl"}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"deployment": {"name": "etl"}}, "[0].deployment.namespace: is missing"),
        ({"deployment": {**ETL, "name": "Etl Worker"}}, "[0].deployment.name: string should match pattern"),
        ({"deployment": {**ETL, "replicas": -1}}, "[0].deployment.replicas: input should be greater than"),
        ({"cron-job": {**ETL, "timeout": 0}}, "[0].cron-job.timeout: input should be greater than 0"),
        ({"keda": {**ETL, "replicas": 3}}, "[0].keda.replicas: is not known here"),
        ({"config-map-flag": ETL}, "[0].config-map-flag.key: is missing"),
    ],
)
def test_a_wrong_writer_is_refused(entry: dict[str, Any], words: str) -> None:
    assert the_line(good(writers=[entry])).startswith(f"reforge:writers{words}")


def test_the_same_name_in_two_clusters_is_two_writers() -> None:
    entries = [{"deployment": ETL | {"context": name}} for name in ("east", "west")]
    assert len({one.chosen.label for one in parse(good(writers=entries)).writers}) == 2
    assert the_line(good(writers=[{"deployment": ETL}] * 2)).endswith("stands there 2 times")


@pytest.mark.parametrize("kind", ["kubernetes-secret", "config-map", "external-secret"])
def test_two_keys_of_an_object_are_two_endpoints(kind: str) -> None:
    entries = [{kind: ETL | {"key": key}} for key in ("URL", "REPLICA_URL")]
    assert len({one.chosen.label for one in parse(good(endpoints=entries)).endpoints}) == 2


@pytest.mark.parametrize("kind", ["kubernetes-secret", "config-map", "external-secret"])
def test_the_config_is_read_without_the_package_of_any_cloud(kind: str) -> None:
    settings = load("stacks.endpoints", kind).Settings.model_validate(ETL)
    assert (settings.key, settings.rollout, settings.holds) == ("DATABASE_URL", None, "url")
