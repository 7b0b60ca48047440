"""What can be restored from RDS, asked of moto's server, and how its refusals are told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from problem import Problem
from stacks.providers.aws_rds import catalog, gates
from stacks.providers.aws_rds.api import Rds
from stacks.providers.aws_rds.settings import Restore, Source
from tests.support.aws.cloud import REGION, TESTS_OWN, Cloud, cloud, touched

SOURCE = Source.model_validate(
    {"provider": "aws-rds", "instance": "prod", "database": "starforge", "region": REGION}
)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with cloud(tmp_path_factory.mktemp("aws")) as here:
        prepare(here.client("rds"))
        here.forget()
        yield here
        assert not touched(here.recorded, "prod")
        ours = [call for call in here.recorded if call.key != TESTS_OWN]
        assert not [call for call in ours if call.changes], "a catalog only reads"


def prepare(rds: Any) -> None:
    """An original with a snapshot of each kind and a read replica, and one that does not fit."""
    common = {"DBInstanceClass": "db.t3.large", "AllocatedStorage": 20, "MasterUsername": "master"}
    common |= {"MasterUserPassword": "correct-horse", "EngineVersion": "15.8"}
    for name, engine in (("prod", "postgres"), ("stage", "postgres"), ("shop", "mysql")):
        rds.create_db_instance(DBInstanceIdentifier=name, Engine=engine, BackupRetentionPeriod=7, **common)
    rds.create_db_snapshot(DBInstanceIdentifier="prod", DBSnapshotIdentifier="before-migration")
    rds.create_db_instance_read_replica(
        DBInstanceIdentifier="prod-read", SourceDBInstanceIdentifier="prod", DBInstanceClass="db.t3.large"
    )


def test_the_catalog_of_an_original(aws: Cloud) -> None:
    found = catalog.what_can_be_restored(SOURCE).document()
    automated, backup = found["backups"]
    assert automated["form"] == "automated"
    assert automated["name"].startswith("rds:prod-")
    assert {name: backup[name] for name in ("name", "size", "version", "form", "problems")} == {
        "name": "before-migration",
        "size": 20 * 2**30,
        "version": "15.8",
        "form": "manual",
        "problems": [],
    }
    [window] = found["windows"]
    span = datetime.fromisoformat(window["end"]) - datetime.fromisoformat(window["start"])
    assert abs(span - (timedelta(days=7) - timedelta(minutes=5))) < timedelta(seconds=5)
    assert found["readReplicas"] == [{"name": "prod-read", "status": "available", "problem": ""}]
    assert found["quotas"]["DBInstances"] == {"used": 4, "allowed": 40}
    assert found["unseen"] == []


def test_of_an_original_that_is_gone_the_snapshots_are_left(aws: Cloud) -> None:
    rds = aws.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="lost",
        Engine="postgres",
        DBInstanceClass="db.t3.large",
        AllocatedStorage=20,
        MasterUsername="master",
        MasterUserPassword="correct-horse",
    )
    rds.create_db_snapshot(DBInstanceIdentifier="lost", DBSnapshotIdentifier="last-of-lost")
    rds.delete_db_instance(DBInstanceIdentifier="lost", SkipFinalSnapshot=True)
    found = catalog.what_can_be_restored(SOURCE.model_copy(update={"instance": "lost"})).document()
    assert [one["name"] for one in found["backups"]] == ["last-of-lost"]
    assert found["windows"] == []
    never = SOURCE.model_copy(update={"instance": "never"})
    assert named(lambda: catalog.what_can_be_restored(never)) == "rds-instance-missing"


@pytest.mark.parametrize("call", ["DescribeAccountAttributes", "DescribeDBInstanceAutomatedBackups"])
def test_what_may_not_be_seen_is_said_and_the_rest_is_shown(aws: Cloud, call: str) -> None:
    aws.fails(call, "AccessDenied", status=403)
    found = catalog.what_can_be_restored(SOURCE).document()
    assert len(found["unseen"]) == 1
    assert found["backups"]
    assert found["windows"]


@pytest.mark.parametrize(
    "given",
    [{"instance": "prod"}, {"url": "postgresql://app@{host}:5432/starforge"}],
)
def test_the_original_is_found_by_name_and_by_its_host(aws: Cloud, given: dict[str, str]) -> None:
    host = Rds(REGION).instance("prod")["Endpoint"]["Address"]
    given = {name: value.format(host=host) for name, value in given.items()}
    found = catalog.look_around(given)
    database = "starforge" if "url" in given else "postgres"
    assert found == {"provider": "aws-rds", "instance": "prod", "region": REGION, "database": database}


@pytest.mark.parametrize("given", [{}, {"instance": "nowhere"}, {"instance": "shop"}])
def test_an_unclear_original_is_told_with_those_that_there_are(aws: Cloud, given: dict[str, str]) -> None:
    with pytest.raises(Problem, match=r"prod, stage, prod-read") as told:
        catalog.look_around(given)
    assert told.value.name == "rds-instance-unclear"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("ExpiredToken", "aws-credentials-expired"),
        ("InvalidClientTokenId", "aws-credentials-wrong"),
        ("AccessDenied", "aws-denied"),
        ("DBInstanceNotFound", "rds-instance-missing"),
        ("InternalFault", "aws-refused"),
    ],
)
def test_refusals_of_aws_have_names_of_ours(aws: Cloud, code: str, name: str) -> None:
    aws.fails("DescribeDBInstances", code)
    with pytest.raises(Problem) as told:
        Rds(REGION).instance("prod")
    assert told.value.name == name
    assert "tester" not in str(told.value)
    assert "Traceback" not in str(told.value)


def test_throttling_is_waited_out_and_named_when_patience_ends(
    aws: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    aws.fails("DescribeDBInstances", "Throttling", times=3)
    assert Rds(REGION).instance("prod")
    aws.fails("DescribeDBInstances", "Throttling", times=6)
    with pytest.raises(Problem) as told:
        Rds(REGION).instance("prod")
    assert told.value.name == "aws-throttled"


def test_no_region_no_credentials_and_no_network_are_told_apart(aws: Cloud, tmp_path: Path) -> None:
    nothing = {"AWS_ENDPOINT_URL": aws.url, "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    with mock.patch.dict(os.environ, nothing, clear=True):
        assert named(lambda: Rds(None)) == "aws-region-missing"
        assert named(lambda: Rds(REGION).instance("prod")) == "aws-credentials-missing"
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}
    with mock.patch.dict(os.environ, nowhere), mock.patch("time.sleep"):
        assert named(lambda: Rds(REGION).instance("prod")) == "aws-unreachable"


def named(call: Any) -> str:
    with pytest.raises(Problem) as told:
        call()
    return told.value.name


def test_the_gates_hold_against_the_api(aws: Cloud) -> None:
    rds = Rds(REGION)
    like = rds.instance("prod")

    def require(asked: dict[str, Any], **more: Any) -> Any:
        return gates.require("r", Restore.model_validate({"from": asked, **more}), SOURCE, like, rds)

    assert require({"snapshot": "before-migration"})["DBSnapshotIdentifier"] == "before-migration"
    assert require({"latest": True}, size="db.r6g.xlarge") is None
    hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")
    assert require({"time": hour_ago}) is None
    assert named(lambda: require({"snapshot": "nowhere"})) == "rds-snapshot-missing"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    assert named(lambda: require({"time": now})) == "rds-outside-window"
    assert named(lambda: require({"latest": True}, size="db.r9z.xlarge")) == "rds-size-unfit"


def test_an_instance_is_ours_by_its_tag(aws: Cloud) -> None:
    rds = Rds(REGION)
    like, restore = rds.instance("prod"), Restore.model_validate({"from": {"latest": True}})
    assert not gates.is_made("nowhere", restore, like, rds, master=False)
    assert named(lambda: gates.is_made("stage", restore, like, rds, master=False)) == "rds-name-taken"
    aws.fails("DescribeDBInstances", "AccessDenied")
    assert named(lambda: gates.is_made("stage", restore, like, rds, master=False)) == "aws-denied"


def test_the_libraries_that_a_parameter_group_loads(aws: Cloud) -> None:
    own, group = aws.client("rds"), "starforge-15"
    own.create_db_parameter_group(
        DBParameterGroupName=group, DBParameterGroupFamily="postgres15", Description="ours"
    )
    assert Rds(REGION).preloaded(group) == set()
    value = {"ParameterName": "shared_preload_libraries", "ParameterValue": "pg_stat_statements, pg_cron"}
    own.modify_db_parameter_group(
        DBParameterGroupName=group, Parameters=[value | {"ApplyMethod": "pending-reboot"}]
    )
    assert Rds(REGION).preloaded(group) == {"pg_stat_statements", "pg_cron"}
    aws.fails("DescribeDBParameters", "AccessDenied")
    assert named(lambda: Rds(REGION).preloaded(group)) == "aws-denied"
