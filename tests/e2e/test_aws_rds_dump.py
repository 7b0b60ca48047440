"""A dump in S3 becomes a DB instance with real rows: the real engine, the real provider's logic, moto."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.functional.kubernetes.cluster import Cluster, documented_role
from tests.functional.kubernetes.conftest import cluster, kubebox
from tests.functional.runner.test_loads import left_nothing
from tests.support.aws.cloud import REGION, TESTS_OWN, Cloud, cloud, touched
from tests.support.aws.original import described, prepare
from tests.support.aws.policies import allowed
from tests.support.aws.project import AwsProject, missing
from tests.support.cloudsql.rows import Instance
from tests.support.kubelet.node import IMAGE, Node, node
from tests.support.managed import Managed, managed
from tests.support.servers import Postgres, folder, postgres_tool, run, scratch
from tests.unit.stacks.examples import VALIDATED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.clouds,
    pytest.mark.skipif(sys.platform != "linux", reason="needs 127.0.0.0/8 whole"),
    pytest.mark.skipif(bool(missing()), reason=f"no bridge to AWS: {missing()}"),
]
__all__ = ["cluster", "kubebox"]
PORT = 5433
"""Of the original in ``prepare``, and so of what is made like it."""
SOURCE = {"provider": "aws-rds", "instance": "prod", "database": "starforge", "region": REGION}
URL = "postgresql://app:hunter2@prod.internal:5433/starforge"
FROM = {"dump": "s3://dumps/app.dump", "jobs": 2, "roles": "create"}
SCHEMA = """
    CREATE ROLE app LOGIN; CREATE ROLE reader;
    CREATE TABLE users (id bigint PRIMARY KEY);
    ALTER TABLE users OWNER TO app;
    GRANT SELECT ON users TO reader;
    INSERT INTO users SELECT generate_series(1, 1000);
"""


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Cloud]:
    """A dump of the original, from before its users were lost, lies in a bucket."""
    with cloud(tmp_path / "aws") as here, scratch() as place:
        prepare(here)
        with Postgres(folder(place / "prod")) as original:
            original.execute("CREATE DATABASE starforge")
            original.execute(SCHEMA, "starforge")
            words = ["-Fc", "-d", original.url("starforge"), "-f", str(place / "app.dump")]
            run([str(postgres_tool("pg_dump")), *words])
        s3 = here.client("s3")
        s3.create_bucket(Bucket="dumps")
        s3.put_object(Bucket="dumps", Key="app.dump", Body=(place / "app.dump").read_bytes())
        here.forget()
        yield here
        assert not touched(here.recorded, "prod"), "the original is looked up, never changed"
        called = {call.action for call in here.recorded if call.key != TESTS_OWN and " " not in call.action}
        assert called <= allowed(), "the documented permissions have each call"


@pytest.fixture
def server(aws: Cloud) -> Iterator[Managed]:
    """What will be behind the instance ``r``: no superuser, and a database of nobody's yet."""
    with scratch() as place:
        instance = Instance(folder(place / "r"), PORT)
        with managed(instance, admin="master") as here:
            aws.bind("r", instance.address, here.keeps())
            yield here


@pytest.fixture
def project(aws: Cloud) -> Iterator[AwsProject]:
    with scratch() as place:
        project = AwsProject(place / "try", cloud=aws).make()
        project.program("from stacks.program import main\nmain()\n")
        yield project


def stage(project: AwsProject, restore: dict[str, Any] | None, **changes: Any) -> str:
    restores = {"restores": {"r": restore}} if restore else {}
    found = {"source": SOURCE, "source-url": URL, "operators": ["203.0.113.7/32"], **restores, **changes}
    project.configure(found)
    return project.run("up", "--yes", "--skip-preview").ok()


def users(server: Managed) -> int:
    """As the application sees them."""
    with psycopg.connect(server.url("starforge", "app", "hunter2")) as connection:
        [count] = connection.execute("SELECT count(*) FROM users").fetchone() or [None]
    return int(str(count))


def test_a_dump_in_s3_is_loaded_accepted_served_released_and_removed(
    aws: Cloud, server: Managed, project: AwsProject
) -> None:
    stage(project, {"from": FROM})
    assert users(server) == 1000
    made = described(aws, "r")
    assert (made["Engine"], made["EngineVersion"], made["AllocatedStorage"]) == ("postgres", "15.8", 20)
    assert made["DBSubnetGroup"]["DBSubnetGroupName"] == "private"
    assert made["DeletionProtection"]
    asked, then = [call for call in aws.recorded if call.changes and "DBInstance" in call.action]
    assert (asked.action, then.action) == ("CreateDBInstance", "ModifyDBInstance")
    assert then.parameters.keys() - {"DBInstanceIdentifier", "ApplyImmediately", "Version"} == {
        "CACertificateIdentifier"
    }, "whatever else an instance is to have, it is made with"
    password = asked.parameters["MasterUserPassword"]
    assert password not in project.state()[""], "the state has it encrypted alone"

    aws.client("s3").delete_object(Bucket="dumps", Key="app.dump")
    with psycopg.connect(server.url("starforge", "app", "hunter2")) as application:
        application.execute("INSERT INTO users VALUES (2000)")
    stage(project, {"from": FROM, "validated": VALIDATED}, serving="r")
    assert users(server) == 1001, "what is loaded is never loaded again"
    assert described(aws, "r")["MasterUserSecret"], "RDS keeps the master's password from then on"
    project.run("preview", "--expect-no-changes").ok()

    released = {"from": FROM, "validated": VALIDATED, "release": True, "final-snapshot": "last-of-r"}
    stage(project, released)
    stage(project, None)
    names = [one["DBInstanceIdentifier"] for one in aws.client("rds").describe_db_instances()["DBInstances"]]
    assert names == ["prod"]


def test_for_a_dump_that_cannot_be_loaded_nothing_is_made(aws: Cloud, project: AwsProject) -> None:
    restores = {"r": {"from": FROM | {"roles": {"reader": "guest"}}}}
    aws.client("s3").delete_object(Bucket="dumps", Key="app.dump")
    found = {"source": SOURCE, "source-url": URL, "operators": ["203.0.113.7/32"], "restores": restores}
    project.configure(found)
    said = project.run("up", "--yes", "--skip-preview").failed()
    assert "There is no dump at s3://dumps/app.dump" in said
    assert not [call for call in aws.recorded if call.changes and call.key != TESTS_OWN]


@pytest.fixture
def at_work(cluster: Cluster) -> Iterator[Node]:
    """Pods find the bucket as this machine does, by what a Secret gives them."""
    cluster.allow(documented_role("runner"))
    named = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL")
    cluster.make("Secret", "store", stringData={name: os.environ[name] for name in named})
    with node(cluster) as found:
        yield found


def test_pods_near_the_data_load_it_into_the_instance(
    aws: Cloud, server: Managed, project: AwsProject, at_work: Node, cluster: Cluster
) -> None:
    where = {"namespace": cluster.namespace, "image": IMAGE, "environment-from": ["store"], "shards": 2}
    stage(project, {"from": FROM}, runner={"kubernetes": where})
    assert users(server) == 1000
    assert at_work.jobs.made, "it was loaded from here"
    assert left_nothing(cluster)
    [made] = [call for call in aws.recorded if call.action == "CreateDBInstance"]
    assert made.parameters["MasterUserPassword"] not in project.state()[""]
    project.run("preview", "--expect-no-changes").ok()
    aws.client("s3").delete_object(Bucket="dumps", Key="app.dump")
    jobs = len(at_work.jobs.made)
    stage(project, {"from": FROM, "validated": VALIDATED}, serving="r")
    assert len(at_work.jobs.made) == jobs, "what is loaded is never loaded again"

    # Without the runner now: where it was loaded is of no matter to what is taken down.
    stage(project, {"from": FROM, "validated": VALIDATED, "release": True, "final-snapshot": "none"})
    stage(project, None)
    names = [one["DBInstanceIdentifier"] for one in aws.client("rds").describe_db_instances()["DBInstances"]]
    assert names == ["prod"]
