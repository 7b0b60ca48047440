"""Standbys in the config, and restores that promote one."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.model import parse, schema
from tests.unit.stacks.examples import SOURCE, URL, good, the_line, told
from tests.unit.stacks.json_schema import Schema

ADMIN = "postgresql://postgres:hunter2@db.internal:5432/postgres"
WITH = SOURCE | {"replicas": {"standby-1": {"url": {"secure": "v1:a"}}, "standby-2": {"url": ADMIN}}}
FENCED = WITH | {"admin-url": ADMIN}


def promoted(source: dict[str, Any] = WITH, replica: str = "standby-1", **more: Any) -> dict[str, Any]:
    """A right config with one restore that promotes a standby."""
    return good(source=source, restores={"r": {"from": {"replica": replica, **more}}})


@pytest.mark.parametrize(
    "raw", [promoted(), promoted(FENCED, fence=True), promoted(**{"accept-loss": True}), good(source=WITH)]
)
def test_a_standby_can_be_declared_and_promoted(raw: dict[str, Any]) -> None:
    assert parse(raw).source.replicas.keys() == {"standby-1", "standby-2"}
    ours = {f"reforge:{name}": value for name, value in raw.items()}
    assert Schema(schema()).accepts({"config": ours})


def test_a_replica_that_is_not_declared_is_refused_with_the_nearest_one() -> None:
    assert the_line(promoted(replica="stanby-1")) == (
        "reforge:restores.r.from.replica: 'stanby-1' is not in `source.replicas`; did you mean standby-1? "
        "(declared: standby-1, standby-2)"
    )
    assert "(declared: none)" in the_line(promoted(source=SOURCE))


def test_a_fence_needs_a_superuser() -> None:
    assert the_line(promoted(fence=True)) == (
        "reforge:restores.r.from.fence: needs `source.admin-url`, a superuser's"
    )


@pytest.mark.parametrize("refinement", ["fence", "accept-loss"])
def test_what_belongs_to_a_promotion_means_nothing_elsewhere(refinement: str) -> None:
    raw = good(restores={"r": {"from": {"latest": True, refinement: True}}})
    assert "have no meaning with latest" in the_line(raw)


def test_a_standby_keeps_its_port() -> None:
    raw = good(source=WITH, restores={"r": {"from": {"replica": "standby-1"}, "port": 5599}})
    assert (
        the_line(raw)
        == "reforge:restores.r: `port` has no meaning with replica: a standby listens where it does"
    )


def test_a_wrong_url_is_told_without_its_password() -> None:
    lines = told(good(source=SOURCE | {"replicas": {"standby-1": {"url": "hunter2@db"}}}))
    assert [line.split(":")[1] for line in lines] == ["source.replicas.standby-1.url"]
    assert "hunter2" not in lines[0]
    assert "postgresql://user:password@host" in lines[0]
    assert URL not in lines[0]
