"""What the config may say about RDS, and what is refused before anything is asked of AWS."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.model import parse
from stacks.providers.aws_rds.settings import region_of, weight
from tests.unit.stacks.examples import VALIDATED, the_line
from tests.unit.stacks.rds import SOURCE, rds_config

ARN = "arn:aws:rds:us-east-1:123456789012:snapshot:monday"


def one(asked: dict[str, Any], **more: Any) -> dict[str, Any]:
    return rds_config({"r": {"from": asked, **more}})


@pytest.mark.parametrize(
    ("restore", "told"),
    [
        (
            one({"time": "2025-12-03T14:23:00.5Z"}),
            "reforge:restores.r: from.time: 2025-12-03T14:23:00.500000Z has a fraction; "
            "RDS restores to whole seconds",
        ),
        (
            one({"time": "2025-12-03T14:23:00Z", "inclusive": False}),
            "reforge:restores.r: `inclusive: false` is not possible: RDS restores to the end of a second",
        ),
        (
            one({"lsn": "0/1"}),
            "reforge:restores.r.from: this provider does not restore from a lsn yet",
        ),
        (one({"latest": True}, size="large"), "reforge:restores.r.size: "),
        (
            one({"replica": "starforge-prod"}),
            "reforge:restores.r.from.replica: 'starforge-prod' is the original itself; "
            "name one of its read replicas",
        ),
        (
            one({"replica": "starforge-read"}, size="db.r6g.large"),
            "reforge:restores.r: `size` has no meaning with replica: it is promoted as it is",
        ),
        (
            one({"replica": "starforge-read"}, **{"parameter-group": "starforge-15"}),
            "reforge:restores.r: `parameter-group` has no meaning with replica: it is promoted as it is",
        ),
        (one({"latest": True}, **{"parameter-group": "a--b"}), "reforge:restores.r.parameter-group: "),
        (
            one({"replica": "starforge-read", "fence": True}),
            "reforge:restores.r: `fence` and `accept-loss` are not possible with RDS: "
            "nobody is superuser there",
        ),
        (
            rds_config({"starforge-prod": {"from": {"latest": True}}}),
            "reforge:restores.starforge-prod: is the name of an instance that exists; a restore is always a "
            "new one",
        ),
        (
            one({"snapshot": ARN}),
            "reforge:restores.r.from.snapshot: lies in us-east-1, and RDS restores within eu-central-1 only; "
            "copy it: aws rds copy-db-snapshot --source-region us-east-1 --region eu-central-1",
        ),
        (rds_config({}) | {"source": SOURCE | {"region": "Frankfurt"}}, "reforge:source.region: "),
        (rds_config({}) | {"source": SOURCE | {"instance": "Prod_1"}}, "reforge:source.instance: "),
        (
            one({"latest": True}, release=True, validated=VALIDATED, **{"final-snapshot": "a--b"}),
            "reforge:restores.r.final-snapshot: ",
        ),
    ],
)
def test_a_wrong_value_is_told(restore: dict[str, Any], told: str) -> None:
    assert the_line(restore).startswith(told)


def test_the_place_of_a_restore_is_its_instance() -> None:
    assert parse(one({"latest": True})).source.place_of("r") == ("aws:rds/instance:Instance", "r")


@pytest.mark.parametrize(("name", "region"), [("monday", None), (ARN, "us-east-1"), ("arn:aws", None)])
def test_an_arn_names_its_region(name: str, region: str | None) -> None:
    assert region_of(name) == region


def test_classes_are_ordered_by_their_size() -> None:
    sizes = ["micro", "small", "medium", "large", "xlarge", "2xlarge", "16xlarge", "metal"]
    weights = [weight(f"db.r6g.{size}") for size in sizes]
    assert weights == sorted(weights)
    assert len(set(weights)) == len(weights)
