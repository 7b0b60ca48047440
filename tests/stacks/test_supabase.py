"""What the program declares for a restore in Supabase: every input, for each kind of restore and stage."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stacks import deployment
from tests.stacks.deployment import Declared, Deployment, Secret, Unknown, deploy
from tests.unit.stacks.examples import VALIDATED, good

pytestmark = pytest.mark.clouds
PROJECT = "dbrestore:supabase:Project"
REF, NEW = "abcdefghijklmnopqrst", "zyxwvutsrqponmlkjihg"
POOLED = f"postgresql://app.{REF}:hunter2@aws-0-eu-central-1.pooler.supabase.com:5432/postgres"
DIRECT = f"postgresql://app:hunter2@db.{REF}.supabase.co:5432/postgres"
SOURCE = {"provider": "supabase", "instance": REF}
FROM = {"dump": "/srv/dumps/app.dump", "jobs": 4, "roles": "create"}
AT_POOLER = {"host": "aws-1-eu-central-1.pooler.supabase.com", "port": 5432, "suffix": f".{NEW}"}
PLACES = {
    "session": AT_POOLER,
    "transaction": AT_POOLER | {"port": 6543},
    "direct": {"host": f"db.{NEW}.supabase.co", "port": 5432, "suffix": ""},
}
LOADED = {
    "place": "/srv/dumps/app.dump",
    "jobs": 4,
    "role": "",
    "noOwner": False,
    "schemas": [],
    "tables": [],
    "roles": {},
    "createRoles": True,
    "accept": [],
}


@pytest.fixture(autouse=True)
def _learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(deployment.LEARNT, PROJECT, PLACES)


def declared(restore: dict[str, Any], url: str = POOLED, **changes: Any) -> Deployment:
    config = {"source": SOURCE, "source_url": url, "endpoints": None, "writers": None}
    return deploy(good(**{**config, "restores": {"r": restore}, **changes}))


@pytest.mark.parametrize(
    ("origin", "inputs"),
    [(FROM, {"dump": LOADED}), ({"adopt": NEW}, {"adopt": NEW})],
)
def test_every_input_of_a_project(origin: dict[str, Any], inputs: dict[str, Any]) -> None:
    assert declared({"from": origin}).one(PROJECT) == Declared(
        type=PROJECT,
        name="r",
        inputs={
            "name": "r",
            "source": REF,
            "user": "app",
            "password": Secret("hunter2"),
            "operators": ["203.0.113.7/32"],
            "access": "operators",
            "serving": False,
            **inputs,
        },
        after=(),
        protect="dump" in origin,
        secret_outputs=("password",),
        timeouts={"create": "6h", "update": "6h", "delete": "30m"},
    )


@pytest.mark.parametrize(
    ("changes", "access", "serving", "protect"),
    [
        ({}, "operators", False, True),
        ({"validated": VALIDATED}, "application", False, True),
        ({"validated": VALIDATED, "serving": "r"}, "application", True, True),
        ({"release": True, "final-snapshot": "none"}, "operators", False, False),
    ],
)
def test_each_stage_is_a_small_difference(
    changes: dict[str, Any], access: str, serving: bool, protect: bool
) -> None:
    serves = {"serving": changes["serving"]} if "serving" in changes else {}
    more = {name: value for name, value in changes.items() if name != "serving"}
    found = declared({"from": FROM, **more}, **serves).one(PROJECT)
    assert (found.inputs["access"], found.inputs["serving"], found.protect) == (access, serving, protect)


@pytest.mark.parametrize(
    ("url", "connection", "expected"),
    [
        (POOLED, None, f"app.{NEW}:hunter2@aws-1-eu-central-1.pooler.supabase.com:5432/postgres"),
        (POOLED.replace("5432", "6543"), None, f"app.{NEW}:hunter2@{AT_POOLER['host']}:6543/postgres"),
        (DIRECT, None, f"app:hunter2@db.{NEW}.supabase.co:5432/postgres"),
        (DIRECT, "session", f"app.{NEW}:hunter2@{AT_POOLER['host']}:5432/postgres"),
        (
            POOLED + "?sslmode=require",
            "direct",
            f"app:hunter2@db.{NEW}.supabase.co:5432/postgres?sslmode=require",
        ),
        (POOLED.replace("hunter2", "p%40ss"), None, f"app.{NEW}:p%40ss@{AT_POOLER['host']}:5432/postgres"),
    ],
)
def test_the_application_reaches_it_as_it_reached_the_original(
    url: str, connection: str | None, expected: str
) -> None:
    source = SOURCE | ({"connection": connection} if connection else {})
    found = declared({"from": FROM, "validated": VALIDATED}, url, source=source, serving="r")
    assert found.outputs["url"] == Secret(f"postgresql://{expected}")


def test_a_preview_does_not_know_where_it_will_be() -> None:
    raw = good(source=SOURCE, source_url=POOLED, endpoints=None, writers=None, restores={"r": {"from": FROM}})
    found = deploy(raw, preview=True)
    assert found.outputs["restores"]["r"]["host"] == Unknown()


def test_the_original_is_in_no_resource_but_as_what_is_read() -> None:
    found = declared({"from": FROM}).one(PROJECT)
    assert [name for name, value in found.inputs.items() if REF in str(value)] == ["source"]
