"""What the program declares for a standby that is promoted at the cut-over."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stacks.deployment import Deployment, Secret, deploy
from tests.unit.stacks.examples import CONSOLE, URL, VALIDATED, good
from tests.unit.stacks.test_replicas import ADMIN, FENCED

PROMOTION, ROUTE = "dbrestore:replica:Promotion", "dbrestore:pgbouncer:Route"
STANDBY = "postgresql://admin:s3cret@127.0.0.9:5444/postgres"
SOURCE = FENCED | {"replicas": {"standby-1": {"url": STANDBY}, "standby-2": {"url": ADMIN}}}
POOL = {"pgbouncer": {"admin": CONSOLE, "database": "starforge"}}


def deployed(serving: str = "r", endpoints: list[dict[str, Any]] | None = None, **more: Any) -> Deployment:
    restores = {"r": {"from": {"replica": "standby-1", "fence": True}, "validated": VALIDATED}}
    raw = good(source=SOURCE, restores=restores, serving=serving, endpoints=endpoints or [POOL], **more)
    return deploy(raw)


def test_a_promotion_is_declared_with_everyone_who_takes_part() -> None:
    declared = deployed("source", writing="none").one(PROMOTION)
    assert declared.inputs == {
        "name": "r",
        "replica": "standby-1",
        "url": Secret(STANDBY),
        "sourceUrl": Secret(URL),
        "adminUrl": Secret(ADMIN),
        "fence": True,
        "acceptLoss": False,
        "others": Secret({"standby-2": ADMIN}),
        "serving": "source",
        "writing": "none",
        "by": "pgbouncer",
        "alone": True,
    }
    assert not declared.protect
    assert set(declared.secret_outputs) == {"url", "sourceUrl", "adminUrl", "others"}


def test_the_route_promotes_it_and_the_application_keeps_its_own_credentials() -> None:
    found = deployed()
    route = found.one(ROUTE).inputs
    assert (route["host"], route["port"]) == ("127.0.0.9", 5444)
    assert route["url"] == Secret("postgresql://app:hunter2@127.0.0.9:5444/starforge")
    assert route["promotes"] == "standby-1, unless it is promoted already"
    assert route["promotion"].value["url"] == STANDBY
    assert found.one(PROMOTION).protect
    assert found.one(ROUTE).after == ("r",)


def test_back_to_the_source_the_fence_is_lifted_before_the_route_moves() -> None:
    found = deployed("source")
    assert "promotion" not in found.one(ROUTE).inputs
    assert found.one(ROUTE).after == ("r",)
    assert found.one(PROMOTION).inputs["serving"] == "source"


@pytest.mark.parametrize(
    ("endpoints", "by", "alone"),
    [
        ([POOL], "pgbouncer", True),
        ([POOL, {"env-file": {"path": "/srv/app/.env"}}], "pgbouncer", False),
        ([POOL, {"pgbouncer": {"admin": CONSOLE, "database": "reports"}}], "pgbouncer", False),
        ([{"env-file": {"path": "/srv/app/.env"}}], "itself", False),
    ],
)
def test_it_knows_whether_one_pause_holds_everybody(endpoints: Any, by: str, alone: bool) -> None:
    inputs = deployed(endpoints=endpoints).one(PROMOTION).inputs
    assert (inputs["by"], inputs["alone"]) == (by, alone)
