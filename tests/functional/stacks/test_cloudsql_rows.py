"""Real rows through an incident in Cloud SQL: restored, accepted, served, rolled back, removed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from stacks.urls import moved
from tests.stacks.deployment import Declared, deploy
from tests.support.cloudsql.original import BACKUP, cloudsql_config, project
from tests.support.cloudsql.provider import Provider
from tests.support.cloudsql.rows import PORT, Rows
from tests.support.cloudsql.server import CloudSql, cloud_sql
from tests.support.servers import scratch
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
    raw = cloudsql_config({"r": restore}, endpoints=[], writers=[], source_url=url, **changes)
    return deploy(raw).resources["r"]


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
