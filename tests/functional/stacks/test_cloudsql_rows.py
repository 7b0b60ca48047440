"""Real rows through an incident in Cloud SQL: restored, accepted, served, rolled back, removed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from dbrestore.handler import Context, Handler, State
from dbrestore.loading.dump import Dump
from dbrestore.loading.load import Load
from stacks.urls import moved
from tests.stacks import deployment
from tests.stacks.deployment import Declared, Secret, deploy
from tests.support.cloudsql.original import BACKUP, cloudsql_config, project
from tests.support.cloudsql.provider import Provider
from tests.support.cloudsql.rows import PORT, Rows
from tests.support.cloudsql.server import CloudSql, cloud_sql
from tests.support.servers import postgres_tool, run, scratch
from tests.unit.stacks.examples import VALIDATED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.clouds,
    pytest.mark.skipif(sys.platform != "linux", reason="needs 127.0.0.0/8 whole"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pulumi_gcp"),  # its own, at its import
]
TIME = "2025-12-03T14:23:00Z"
SCHEMA = """
CREATE ROLE app LOGIN;
CREATE TABLE users (id bigint PRIMARY KEY);
GRANT ALL ON users TO app;
INSERT INTO users SELECT generate_series(1, 1000);
"""


@pytest.fixture
def gcp() -> Iterator[CloudSql]:
    """A project whose original lost its users after the backup and after TIME."""
    with scratch() as folder, ExitStack() as stack, cloud_sql(project()) as here:
        rows = Rows(folder, stack)
        original = here.admin.instances["starforge-prod"]
        original["ipAddresses"] = [{"type": "PRIVATE", "ipAddress": rows.open("starforge-prod")}]
        rows.servers["starforge-prod"].execute("CREATE DATABASE starforge")
        rows.servers["starforge-prod"].execute(SCHEMA, "starforge")
        rows.keep("starforge-prod", "starforge", f"backup {BACKUP['id']} of starforge-prod")
        rows.servers["starforge-prod"].execute("INSERT INTO users VALUES (1001)", "starforge")
        rows.keep("starforge-prod", "starforge", f"starforge-prod at {TIME}")
        rows.servers["starforge-prod"].execute("DELETE FROM users", "starforge")
        here.admin.rows, here.admin.now = rows, datetime.now(UTC)
        yield here
        assert here.touched("starforge-prod") == []


def declared(url: str, restore: dict[str, Any], **changes: Any) -> Declared:
    return resources(url, restore, **changes)["r"]


def resources(url: str, restore: dict[str, Any], **changes: Any) -> dict[str, Declared]:
    raw = cloudsql_config({"r": restore}, endpoints=[], writers=[], source_url=url, **changes)
    return deploy(raw).resources


def users(url: str) -> int:
    with psycopg.connect(url) as connection:
        [count] = connection.execute("SELECT count(*) FROM users").fetchone() or [None]
    return int(str(count))


@pytest.mark.parametrize(
    ("asked", "count"),
    [({"snapshot": BACKUP["id"]}, 1000), ({"time": TIME}, 1001)],
    ids=["snapshot", "time"],
)
def test_the_rows_come_back_in_an_instance_that_differs_in_its_host_alone(
    gcp: CloudSql, asked: dict[str, Any], count: int
) -> None:
    rows, provider = gcp.admin.rows, Provider("starforge")
    assert rows
    url = f"postgresql://app:hunter2@{rows.servers['starforge-prod'].address}:{PORT}/starforge"
    assert users(url) == 0

    provider.up(declared(url, {"from": asked}))
    restored = moved(url, rows.servers["r"].address, PORT)
    assert users(restored) == count

    provider.up(declared(url, {"from": asked, "validated": VALIDATED}, serving="r"))
    with psycopg.connect(restored) as application:
        application.execute("INSERT INTO users VALUES (2000)")
    assert (users(restored), users(url)) == (count + 1, 0)

    released = {"validated": VALIDATED, "release": True, "final-snapshot": "none"}
    provider.up(declared(url, {"from": asked, **released}))
    assert users(restored) == count + 1
    provider.remove("r")
    with pytest.raises(psycopg.OperationalError):
        users(restored)
    assert users(url) == 0


def made(handler: Handler, declared: Declared) -> State:
    """What our plugin does with a resource as the program declares it."""
    given = {name: one.value if isinstance(one, Secret) else one for name, one in declared.inputs.items()}
    inputs = handler.inputs.model_validate(given)
    handler.examine(Context("urn"), inputs)
    return handler.create(Context("urn"), inputs)[1]


def test_a_dump_is_loaded_into_a_new_instance_whose_users_are_no_superusers(
    gcp: CloudSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, provider = gcp.admin.rows, Provider("starforge")
    assert rows
    original = rows.servers["starforge-prod"]
    url = f"postgresql://app:hunter2@{original.address}:{PORT}/starforge"
    original.execute("INSERT INTO users SELECT generate_series(1, 1000)", "starforge")
    dump = rows.directory / "app.dump"
    run([str(postgres_tool("pg_dump")), "-Fc", "-d", original.url("starforge"), "-f", str(dump)])
    original.execute("DELETE FROM users", "starforge")

    asked = {"dump": str(dump), "jobs": 2}
    found = resources(url, {"from": asked})
    assert made(Dump(), found["r-dump"])["dumpFormat"] == "custom"
    provider.up(found["r"])
    address = rows.servers["r"].address
    monkeypatch.setitem(deployment.LEARNT, found["r"].type, {"privateIpAddress": address})
    load = resources(url, {"from": asked})["r-load"]
    assert made(Load(), load)["loadedRows"] == 1000
    assert made(Load(), load)["status"] == "loaded", "a second up finds it so"

    restored = moved(url, address, PORT)
    assert (users(restored), users(url)) == (1000, 0)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        users(restored.replace("hunter2", "hunter3"))
    provider.up(resources(url, {"from": asked, "validated": VALIDATED}, serving="r")["r"])
    with psycopg.connect(restored) as application:
        application.execute("INSERT INTO users VALUES (2000)")
    released = {"validated": VALIDATED, "release": True, "final-snapshot": "none"}
    provider.up(resources(url, {"from": asked, **released})["r"])
    provider.remove("r")
    with pytest.raises(psycopg.OperationalError):
        users(restored)
    assert users(url) == 0
