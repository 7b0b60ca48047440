"""A restore in RDS from its beginning to its end: the real engine, the real provider's logic, moto."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.aws.cloud import REGION, TESTS_OWN, Cloud, cloud, touched
from tests.support.aws.original import described, entrances, groups, prepare
from tests.support.aws.policies import allowed
from tests.support.aws.project import AwsProject, missing
from tests.support.ground import scratch
from tests.unit.stacks.examples import URL, VALIDATED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.clouds,
    pytest.mark.skipif(bool(missing()), reason=f"no bridge to AWS: {missing()}"),
]
SOURCE = {"provider": "aws-rds", "instance": "prod", "database": "starforge", "region": REGION}
PROGRAM = "from stacks.program import main\nmain()\n"
COPIED = (
    "DBInstanceClass",
    "MultiAZ",
    "StorageType",
    "StorageEncrypted",
    "KmsKeyId",
    "IAMDatabaseAuthenticationEnabled",
    "BackupRetentionPeriod",
    "CopyTagsToSnapshot",
    "CACertificateIdentifier",
)


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Cloud]:
    with cloud(tmp_path / "aws") as here:
        prepare(here)
        here.forget()
        yield here
        assert not touched(here.recorded, "prod"), "the original is looked up, never changed"
        called = {call.action for call in here.recorded if call.key != TESTS_OWN}
        assert called <= allowed(), "the documented permissions have each call"


@pytest.fixture
def project(aws: Cloud) -> Iterator[AwsProject]:
    with scratch() as folder:
        project = AwsProject(folder / "try", cloud=aws).make()
        project.program(PROGRAM)
        yield project


def config(restore: dict[str, Any] | None) -> dict[str, Any]:
    """A stack's config with the restore ``r``, or without."""
    found = {"source": SOURCE, "source-url": URL, "operators": ["203.0.113.7/32"]}
    return found | ({"restores": {"r": restore}} if restore else {})


def stage(project: AwsProject, restore: dict[str, Any] | None) -> str:
    """Bring the stack to a stage; what the engine said."""
    project.configure(config(restore))
    return project.run("up", "--yes", "--skip-preview").ok()


YESTERDAY = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
TO_A_TIME = "RestoreDBInstanceToPointInTime"


@pytest.mark.parametrize(
    ("asked", "action", "how"),
    [
        ({"snapshot": "monday"}, "RestoreDBInstanceFromDBSnapshot", {"DBSnapshotIdentifier": "monday"}),
        ({"latest": True}, TO_A_TIME, {"UseLatestRestorableTime": "true"}),
        ({"time": YESTERDAY}, TO_A_TIME, {"RestoreTime": YESTERDAY}),
    ],
    ids=["snapshot", "latest", "time"],
)
def test_a_restore_is_made_accepted_released_and_removed(
    aws: Cloud, project: AwsProject, asked: dict[str, Any], action: str, how: dict[str, str]
) -> None:
    restore: dict[str, Any] = {"from": asked}
    stage(project, restore)
    [made] = [call for call in aws.recorded if call.action == action]
    assert how.items() <= made.parameters.items()
    original, restored = described(aws, "prod"), described(aws, "r")
    assert restored["DBSubnetGroup"]["DBSubnetGroupName"] == "private"
    assert restored["DeletionProtection"]
    assert restored["MasterUserSecret"], "the master's password is another one"
    [own] = groups(restored)
    assert entrances(aws, own) == [("203.0.113.7/32", 5433)]

    aws.client("rds").delete_db_snapshot(DBSnapshotIdentifier="monday")
    stage(project, restore | {"validated": VALIDATED})
    restored = described(aws, "r")
    assert sorted(groups(restored)) == sorted([own, *groups(original)])
    assert {name: restored[name] for name in COPIED} == {name: original[name] for name in COPIED}
    assert [one["DBParameterGroupName"] for one in restored["DBParameterGroups"]] == ["starforge-15"]
    project.run("preview", "--expect-no-changes").ok()

    # Once it serves, nothing of the original reaches it.
    aws.client("rds").modify_db_instance(DBInstanceIdentifier="prod", MultiAZ=False, ApplyImmediately=True)
    project.configure(config(restore | {"validated": VALIDATED}) | {"serving": "r"})
    project.run("preview", "--expect-no-changes").ok()

    project.configure(config(None))
    assert "protect" in project.run("up", "--yes", "--skip-preview").failed()
    assert described(aws, "r")["DBInstanceStatus"] == "available"

    stage(project, restore | {"release": True, "final-snapshot": "last-of-r"})
    assert not described(aws, "r")["DeletionProtection"]
    stage(project, None)
    names = [one["DBInstanceIdentifier"] for one in aws.client("rds").describe_db_instances()["DBInstances"]]
    assert names == ["prod"]
    kept = aws.client("rds").describe_db_snapshots(DBSnapshotIdentifier="last-of-r")["DBSnapshots"]
    assert [one["DBInstanceIdentifier"] for one in kept] == ["r"]
    assert own not in [
        one["GroupId"] for one in aws.client("ec2").describe_security_groups()["SecurityGroups"]
    ]
    assert (
        project.state().keys() & {"aws:rds/instance:Instance", "aws:ec2/securityGroup:SecurityGroup"} == set()
    )


def test_a_create_that_fails_midway_is_known_and_can_be_removed(aws: Cloud, project: AwsProject) -> None:
    aws.fails("ModifyDBInstance", "InvalidParameterValue", times=1)
    restore: dict[str, Any] = {"from": {"snapshot": "monday"}}
    project.configure(config(restore))
    assert "InvalidParameterValue" in project.run("up", "--yes", "--skip-preview").failed()
    assert described(aws, "r")["DeletionProtection"]
    assert "aws:rds/instance:Instance" in project.state(), "it is in the books"
    assert "did not finish it" in project.run("up", "--yes", "--skip-preview").failed()
    stage(project, restore | {"release": True, "final-snapshot": "none"})
    stage(project, None)
    names = [one["DBInstanceIdentifier"] for one in aws.client("rds").describe_db_instances()["DBInstances"]]
    assert names == ["prod"]
