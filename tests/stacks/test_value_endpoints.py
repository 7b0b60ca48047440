"""Endpoints and writers in the clouds: what is declared while the source serves, and while a restore does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stacks.deployment import Declared, Secret, deploy
from tests.unit.stacks.examples import VALIDATED, good

THERE = "postgresql://app:hunter2@127.0.0.1:5544/starforge"
SHOWN = "postgresql://app:***@127.0.0.1:5544/starforge"
AS_BEFORE = "what was there before"
SECRETS = ("held", "original", "previous", "value")


def declared(kind: str, entry: dict[str, Any], **more: Any) -> Declared:
    """The one resource of an endpoint or a writer."""
    of = {"endpoints": [], "writers": [], kind: [entry]}
    raw = good(restores={"r": {"from": {"latest": True}, "validated": VALIDATED}}, **of, **more)
    found = deploy(raw).resources
    [one] = [found[name] for name in found if name != "r"]
    return one


@pytest.mark.parametrize(
    ("entry", "type_", "place"),
    [
        (
            {"aws-secret": {"id": "app/db", "key": "url", "region": "eu-west-1"}},
            "dbrestore:aws:Secret",
            {"secret": "app/db", "key": "url", "region": "eu-west-1"},
        ),
        ({"aws-parameter": {"name": "/app/db"}}, "dbrestore:aws:Parameter", {"name": "/app/db"}),
        (
            {"gcp-secret": {"project": "p", "id": "db"}},
            "dbrestore:gcp:Secret",
            {"project": "p", "secret": "db"},
        ),
    ],
)
def test_a_place_of_the_url_is_left_alone_for_the_source_and_gets_the_restores(
    entry: dict[str, Any], type_: str, place: dict[str, Any]
) -> None:
    before, after = declared("endpoints", entry), declared("endpoints", entry, serving="r")
    assert (before.type, before.secret_outputs) == (type_, SECRETS)
    labelled = {"label"} & before.inputs.keys()
    assert {name: one for name, one in before.inputs.items() if name not in labelled} == place | {
        "shown": AS_BEFORE
    }
    assert after.inputs["value"] == Secret(THERE)
    assert after.inputs["shown"] == SHOWN
    assert after.inputs.get("label", "reforge-before-r") == "reforge-before-r"


@pytest.mark.parametrize(("holds", "value"), [("host", "127.0.0.1"), ("port", "5544")])
def test_a_place_may_hold_a_part_of_the_url(holds: str, value: str) -> None:
    entry = {"aws-secret": {"id": "app/db", "key": holds, "holds": holds}}
    inputs = declared("endpoints", entry, serving="r").inputs
    assert (inputs["value"], inputs["shown"]) == (value, value)


@pytest.mark.parametrize(
    ("entry", "type_", "project"),
    [
        ({"route53": {"zone": "Z1", "name": "db.example"}}, "dbrestore:aws:Record", {}),
        (
            {"cloud-dns": {"project": "p", "zone": "Z1", "name": "db.example"}},
            "dbrestore:gcp:Record",
            {"project": "p"},
        ),
    ],
)
def test_a_record_gets_no_host_of_the_source_whose_url_may_name_the_record_itself(
    entry: dict[str, Any], type_: str, project: dict[str, str]
) -> None:
    before, after = declared("endpoints", entry), declared("endpoints", entry, serving="r")
    assert before.type == type_
    common = {"zone": "Z1", "name": "db.example", "type": "CNAME", "ttl": 30.0, "lower": False}
    assert before.inputs == common | project | {"longestWait": 900.0, "port": 5432.0}
    assert after.inputs == before.inputs | {"host": "127.0.0.1", "port": 5544.0}


@pytest.mark.parametrize(
    ("entry", "type_", "place"),
    [
        (
            {"ecs-service": {"cluster": "c", "service": "etl"}},
            "dbrestore:aws:Service",
            {"cluster": "c", "service": "etl"},
        ),
        ({"lambda-event-source": {"function": "f"}}, "dbrestore:aws:EventSources", {"function": "f"}),
    ],
)
@pytest.mark.parametrize("writing", ["none", "canary", "all"])
def test_a_writer_is_told_how_much_of_it_may_work(
    entry: dict[str, Any], type_: str, place: dict[str, str], writing: str
) -> None:
    one = declared("writers", entry, writing=writing)
    known = {name: value for name, value in one.inputs.items() if name != "database"}
    assert (one.type, known) == (type_, place | {"desired": writing})
    assert one.inputs.get("database", "db.internal:5432") == "db.internal:5432"
