"""A read replica in RDS: what ``pulumi_aws`` does with one that it owns, and what our own resource does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.aws.cloud import REGION, TESTS_OWN, Cloud, cloud, touched
from tests.support.aws.original import described, prepare
from tests.support.aws.project import AwsProject, missing
from tests.support.ground import scratch
from tests.unit.stacks.examples import URL, VALIDATED

pytestmark = [pytest.mark.slow, pytest.mark.clouds]
bridged = pytest.mark.skipif(bool(missing()), reason=f"no bridge to AWS: {missing()}")
SOURCE = {"provider": "aws-rds", "instance": "prod", "database": "starforge", "region": REGION}
OWNED = """
from pulumi_aws import rds
rds.Instance("read", identifier="read", instance_class="db.t3.large", skip_final_snapshot=True, {})
"""


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Cloud]:
    with cloud(tmp_path / "aws") as here:
        prepare(here)
        here.client("rds").create_db_instance_read_replica(
            DBInstanceIdentifier="prod-read", SourceDBInstanceIdentifier="prod"
        )
        here.forget()
        yield here
        assert not touched(here.recorded, "prod")


@pytest.fixture
def project(aws: Cloud) -> Iterator[AwsProject]:
    with scratch() as folder:
        yield AwsProject(folder / "try", cloud=aws).make()


def stage(project: AwsProject, serving: str, restores: dict[str, Any]) -> None:
    found = {"source": SOURCE, "source-url": URL, "operators": ["203.0.113.7/32"]}
    project.configure(found | {"serving": serving, "restores": restores})
    project.run("up", "--yes", "--skip-preview").ok()


def changing(aws: Cloud) -> list[str]:
    return [call.action for call in aws.recorded if call.changes and call.key != TESTS_OWN]


def test_it_is_promoted_at_the_cut_over_kept_by_a_rollback_and_forgotten_at_the_end(
    aws: Cloud, project: AwsProject
) -> None:
    project.program("from stacks.program import main\nmain()\n")
    restores = {"r": {"from": {"replica": "prod-read"}, "validated": VALIDATED}}
    stage(project, "source", restores)
    assert changing(aws) == []
    stage(project, "r", restores)
    assert changing(aws) == ["PromoteReadReplica"]
    assert "ReadReplicaSourceDBInstanceIdentifier" not in described(aws, "prod-read")
    stage(project, "source", restores)
    stage(project, "source", {})
    assert changing(aws) == ["PromoteReadReplica"]
    assert described(aws, "prod-read")["DBInstanceStatus"] == "available"


@bridged
def test_one_that_the_clouds_package_owns_is_deleted_with_its_entry_and_never_goes_back(
    aws: Cloud, project: AwsProject
) -> None:
    project.configure()
    project.program(OWNED.format('replicate_source_db="prod", storage_encrypted=True'))
    project.run("up", "--yes", "--skip-preview").ok()
    project.program(OWNED.format("storage_encrypted=True"))
    project.run("up", "--yes", "--skip-preview").ok()
    assert "PromoteReadReplica" in changing(aws)
    project.program(OWNED.format('replicate_source_db="prod", storage_encrypted=True'))
    back = project.run("up", "--yes", "--skip-preview")
    assert "cannot elect new source database for replication" in back.failed()
    project.program("")
    project.run("up", "--yes", "--skip-preview").ok()
    assert changing(aws)[-1] == "DeleteDBInstance"
