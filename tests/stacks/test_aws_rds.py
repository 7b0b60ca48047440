"""What the program declares for a restore in RDS: every input of every resource, for each kind of restore."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi import RunError

from stacks.providers.aws_rds import restore as room
from tests.stacks.deployment import Declared, Deployment, Secret, deploy
from tests.unit.stacks.examples import VALIDATED
from tests.unit.stacks.rds import KEY, SNAPSHOT, StandIn, rds_config

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pulumi_aws")  # its own, at its import
INSTANCE, GROUP = "aws:rds/instance:Instance", "aws:ec2/securityGroup:SecurityGroup"
RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
BY_SNAPSHOT: dict[str, Any] = {"from": {"snapshot": "before-migration"}}
TIME = "2025-12-03T14:23:00Z"

COPIED = {
    "instanceClass": "db.r6g.xlarge",
    "dbSubnetGroupName": "private",
    "parameterGroupName": "starforge-15",
    "optionGroupName": "default:postgres-15",
    "port": 5433,
    "multiAz": True,
    "networkType": "IPV4",
    "publiclyAccessible": False,
    "storageType": "gp3",
    "iops": 12000,
    "storageThroughput": 500,
    "maxAllocatedStorage": 1000,
    "dedicatedLogVolume": False,
    "storageEncrypted": True,
    "kmsKeyId": KEY,
    "iamDatabaseAuthenticationEnabled": True,
    "caCertIdentifier": "rds-ca-rsa2048-g1",
    "enabledCloudwatchLogsExports": ["postgresql"],
    "monitoringInterval": 30,
    "monitoringRoleArn": "arn:aws:iam::123456789012:role/monitoring",
    "performanceInsightsEnabled": True,
    "performanceInsightsKmsKeyId": KEY,
    "performanceInsightsRetentionPeriod": 7,
    "databaseInsightsMode": "standard",
    "backupRetentionPeriod": 7,
    "backupWindow": "03:00-03:30",
    "maintenanceWindow": "sun:04:00-sun:04:30",
    "autoMinorVersionUpgrade": False,
    "copyTagsToSnapshot": True,
    "licenseModel": "postgresql-license",
}
"""Of the original; RDS would choose its own for each of them."""

OWN = {
    "identifier": "r",
    "region": "eu-central-1",
    "vpcSecurityGroupIds": ["id-of-r-operators"],
    "manageMasterUserPassword": True,
    "applyImmediately": True,
    "deletionProtection": True,
    "skipFinalSnapshot": False,
    "finalSnapshotIdentifier": "r-final",
    "tags": {"team": "forge", "Name": "r", "reforge:restore": "r"},
}
"""Of the restore alone."""

KINDS = {
    "snapshot": {"snapshotIdentifier": "before-migration", "kmsKeyId": SNAPSHOT["KmsKeyId"]},
    "time": {"restoreToPointInTime": {"sourceDbInstanceIdentifier": "starforge-prod", "restoreTime": TIME}},
    "latest": {
        "restoreToPointInTime": {
            "sourceDbInstanceIdentifier": "starforge-prod",
            "useLatestRestorableTime": True,
        }
    },
}
"""What it is made from; a snapshot brings its own key."""


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    stand_in = StandIn()
    monkeypatch.setattr(room, "Rds", lambda region: stand_in)
    return stand_in


def deployed(restore: dict[str, Any], **changes: Any) -> Deployment:
    return deploy(rds_config({"r": restore}, **changes))


def inputs(restore: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return deployed(restore, **changes).one(INSTANCE).inputs


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("snapshot", {"snapshot": "before-migration"}),
        ("time", {"time": "2025-12-03T15:23:00+01:00"}),
        ("latest", {"latest": True}),
    ],
)
@pytest.mark.usefixtures("aws")
def test_every_input_of_every_resource(kind: str, asked: dict[str, Any]) -> None:
    found = deployed({"from": asked}, endpoints=[], writers=[]).resources
    assert set(found) == {"r", "r-operators", "r-from-203.0.113.7/32"}
    assert found["r"].inputs == COPIED | OWN | KINDS[kind]
    assert found["r-operators"] == Declared(
        type=GROUP,
        name="r-operators",
        inputs={
            "name": "reforge-r-operators",
            "description": "Who reaches the restore r before the application does",
            "vpcId": "vpc-1",
            "region": "eu-central-1",
            "tags": {"Name": "reforge-r-operators", "reforge:restore": "r"},
        },
        after=(),
        protect=False,
        secret_outputs=(),
        ignored=("vpcId",),
    )
    assert found["r-from-203.0.113.7/32"] == Declared(
        type=RULE,
        name="r-from-203.0.113.7/32",
        inputs={
            "securityGroupId": "id-of-r-operators",
            "region": "eu-central-1",
            "description": "operator",
            "ipProtocol": "tcp",
            "fromPort": 5433,
            "toPort": 5433,
            "cidrIpv4": "203.0.113.7/32",
        },
        after=("r-operators",),
        protect=False,
        secret_outputs=(),
    )


MADE_FROM = {
    "snapshotIdentifier",
    "restoreToPointInTime",
    "storageEncrypted",
    "kmsKeyId",
    "dbSubnetGroupName",
    "networkType",
}


@pytest.mark.usefixtures("aws")
def test_what_made_it_is_never_compared_and_nothing_copied_once_it_serves() -> None:
    made = deployed(BY_SNAPSHOT).one(INSTANCE)
    assert set(made.ignored) == MADE_FROM
    assert made.protect
    assert made.timeouts == {"create": "6h", "update": "3h", "delete": "2h"}
    serving = deployed(BY_SNAPSHOT | {"validated": VALIDATED}, serving="r").one(INSTANCE)
    assert set(serving.ignored) == MADE_FROM | set(COPIED) | {"tags"}


@pytest.mark.usefixtures("aws")
def test_a_size_is_the_restores_own_and_may_be_changed() -> None:
    restore = BY_SNAPSHOT | {"size": "db.r6g.2xlarge", "validated": VALIDATED}
    declared = deployed(restore, serving="r").one(INSTANCE)
    assert declared.inputs["instanceClass"] == "db.r6g.2xlarge"
    assert "instanceClass" not in declared.ignored


@pytest.mark.usefixtures("aws")
def test_so_is_a_parameter_group_that_it_was_given() -> None:
    restore = BY_SNAPSHOT | {"parameter-group": "starforge-15-quiet", "validated": VALIDATED}
    declared = deployed(restore, serving="r").one(INSTANCE)
    assert declared.inputs["parameterGroupName"] == "starforge-15-quiet"
    assert "parameterGroupName" not in declared.ignored
    assert "instanceClass" in declared.ignored


def test_jobs_of_pg_cron_are_told_in_the_preview(aws: StandIn) -> None:
    aws.libraries = {"pg_cron"}
    with pytest.raises(RunError, match="loads pg_cron"):
        deployed(BY_SNAPSHOT)
    quiet = inputs(BY_SNAPSHOT | {"parameter-group": "starforge-15-quiet"})
    assert quiet["parameterGroupName"] == "starforge-15-quiet"


@pytest.mark.usefixtures("aws")
def test_the_originals_groups_come_when_it_is_accepted() -> None:
    assert inputs(BY_SNAPSHOT)["vpcSecurityGroupIds"] == ["id-of-r-operators"]
    accepted = inputs(BY_SNAPSHOT | {"validated": VALIDATED})
    assert accepted["vpcSecurityGroupIds"] == ["id-of-r-operators", "sg-app"]


def groups(*names: str) -> dict[str, Any]:
    return {"VpcSecurityGroups": [{"VpcSecurityGroupId": one, "Status": "active"} for one in names]}


@pytest.mark.parametrize(
    "asked", [{"snapshot": "before-migration"}, {"dump": "s3://starforge-dumps/app.dump"}]
)
def test_a_fence_around_the_original_does_not_reach_what_serves(aws: StandIn, asked: dict[str, Any]) -> None:
    aws.records["r"] = MADE | FINISHED | groups("id-of-r-operators", "sg-app")
    aws.records["starforge-prod"] |= groups("sg-isolated")
    restore = {"from": asked, "validated": VALIDATED}
    given = {"vpcSecurityGroupIds", "masterUserSecretKmsKeyId"}
    assert given <= set(deployed(restore, serving="r").one(INSTANCE).ignored)
    assert not given & set(deployed(restore).one(INSTANCE).ignored), "after a rollback it follows again"


def test_one_that_is_accepted_and_cut_over_to_in_one_up_is_opened_by_it(aws: StandIn) -> None:
    aws.records["r"] = MADE | FINISHED | groups("id-of-r-operators")
    declared = deployed(BY_SNAPSHOT | {"validated": VALIDATED}, serving="r").one(INSTANCE)
    assert declared.inputs["vpcSecurityGroupIds"] == ["id-of-r-operators", "sg-app"]
    assert "vpcSecurityGroupIds" not in declared.ignored


@pytest.mark.usefixtures("aws")
def test_each_operator_has_a_rule_of_either_family() -> None:
    found = deployed(BY_SNAPSHOT, operators=["203.0.113.7/32", "2001:db8::/64"]).resources
    rules = {name: one.inputs for name, one in found.items() if one.type == RULE}
    assert {name: one.get("cidrIpv4") or one["cidrIpv6"] for name, one in rules.items()} == {
        "r-from-203.0.113.7/32": "203.0.113.7/32",
        "r-from-2001:db8::/64": "2001:db8::/64",
    }


@pytest.mark.usefixtures("aws")
def test_an_application_that_logs_in_as_the_master_keeps_its_password(aws: StandIn) -> None:
    aws.records["starforge-prod"]["MasterUsername"] = "app"
    found = inputs(BY_SNAPSHOT)
    assert found["password"] == Secret("hunter2")
    assert "manageMasterUserPassword" not in found


def test_the_masters_secret_is_sealed_with_the_originals_key(aws: StandIn) -> None:
    aws.records["starforge-prod"]["MasterUserSecret"] = {"KmsKeyId": KEY}
    assert inputs(BY_SNAPSHOT)["masterUserSecretKmsKeyId"] == KEY


@pytest.mark.usefixtures("aws")
def test_the_applications_url_differs_in_host_and_port_alone() -> None:
    found = deployed(BY_SNAPSHOT | {"validated": VALIDATED}, serving="r").outputs["url"]
    assert found == Secret("postgresql://app:hunter2@r.example.us-east-1.rds.amazonaws.com:5433/starforge")


@pytest.mark.parametrize(
    ("kept", "inputs_then"),
    [
        ("last-of-r", {"skipFinalSnapshot": False, "finalSnapshotIdentifier": "last-of-r"}),
        ("none", {"skipFinalSnapshot": True, "finalSnapshotIdentifier": "r-final"}),
    ],
)
def test_a_release_takes_the_protections_off_and_changes_nothing_else(
    aws: StandIn, kept: str, inputs_then: Any
) -> None:
    aws.records["r"] = MADE | FINISHED
    before = deployed(BY_SNAPSHOT).one(INSTANCE)
    after = deployed(BY_SNAPSHOT | {"release": True, "final-snapshot": kept}).one(INSTANCE)
    assert after.inputs == before.inputs | inputs_then | {"deletionProtection": False}
    assert (before.protect, after.protect) == (True, False)


MADE = {
    "DBInstanceIdentifier": "r",
    "DBInstanceStatus": "available",
    "TagList": [{"Key": "reforge:restore", "Value": "r"}],
    "DBParameterGroups": [{"DBParameterGroupName": "default.postgres15"}],
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "id-of-r-operators", "Status": "active"}],
}
FINISHED = {"MasterUserSecret": {"SecretArn": "arn"}}


def test_once_made_nothing_is_asked_of_what_it_was_made_from(aws: StandIn) -> None:
    aws.records["r"] = MADE | FINISHED
    aws.snapshots_known.clear()
    aws.backups.clear()
    assert inputs(BY_SNAPSHOT)["snapshotIdentifier"] == "before-migration"
    assert inputs({"from": {"time": "2020-01-01T00:00:00Z"}})["restoreToPointInTime"]


@pytest.mark.parametrize("master", ["master", "app"])
def test_a_restore_that_was_not_finished_is_only_good_for_its_removal(aws: StandIn, master: str) -> None:
    aws.records["starforge-prod"]["MasterUsername"] = master
    aws.records["r"] = dict(MADE)
    with pytest.raises(RunError, match=r"did not finish it(?s:.)*reforge teardown r"):
        deployed(BY_SNAPSHOT)
    released = BY_SNAPSHOT | {"release": True, "final-snapshot": "none"}
    assert inputs(released)["deletionProtection"] is False


def test_with_the_applications_own_master_the_settings_say_whether_it_was_finished(aws: StandIn) -> None:
    aws.records["starforge-prod"]["MasterUsername"] = "app"
    aws.records["r"] = MADE | parameters("starforge-15")
    assert inputs(BY_SNAPSHOT)["password"] == Secret("hunter2")


DEFAULT, OTHER = "default.postgres15", "starforge-15-tuned"


def parameters(group: str) -> dict[str, Any]:
    return {"DBParameterGroups": [{"DBParameterGroupName": group}]}


@pytest.mark.parametrize("serving", ["source", "r"])
@pytest.mark.parametrize(("theirs", "ours"), [(OTHER, "starforge-15"), ("starforge-15", DEFAULT)])
def test_once_it_was_accepted_its_settings_are_its_own_affair(
    aws: StandIn, theirs: str, ours: str, serving: str
) -> None:
    aws.records["starforge-prod"] |= {"MasterUsername": "app"} | parameters(theirs)
    aws.records["r"] = MADE | parameters(ours) | groups("id-of-r-operators", "sg-app")
    assert inputs(BY_SNAPSHOT | {"validated": VALIDATED}, serving=serving)["identifier"] == "r"


def test_nor_does_another_group_of_the_original_make_it_unfinished_before(aws: StandIn) -> None:
    aws.records["starforge-prod"] |= {"MasterUsername": "app"} | parameters(OTHER)
    aws.records["r"] = MADE | parameters("starforge-15")
    assert inputs(BY_SNAPSHOT)["identifier"] == "r"


@pytest.mark.parametrize("master", ["master", "app"])
def test_what_was_not_finished_is_not_accepted_either(aws: StandIn, master: str) -> None:
    aws.records["starforge-prod"]["MasterUsername"] = master
    aws.records["r"] = dict(MADE)
    with pytest.raises(RunError, match="did not finish it"):
        deployed(BY_SNAPSHOT | {"waived": {"reason": "no time for it", "by": "ada", "at": TIME}})


def test_an_instance_of_somebody_else_is_never_taken_for_ours(aws: StandIn) -> None:
    aws.records["r"] = {"DBInstanceIdentifier": "r", "TagList": []}
    with pytest.raises(RunError, match="no restore of ours"):
        deployed(BY_SNAPSHOT)


def test_the_original_is_in_no_resource_but_as_where_from(aws: StandIn) -> None:
    found = deployed({"from": {"latest": True}}, endpoints=[], writers=[]).resources
    point = found["r"].inputs.pop("restoreToPointInTime")
    assert point["sourceDbInstanceIdentifier"] == "starforge-prod"
    assert "starforge-prod" not in str([one.inputs for one in found.values()])


def test_another_instance_lends_its_settings_where_the_original_is_gone(aws: StandIn) -> None:
    aws.records = {"starforge-stage": aws.records["starforge-prod"] | {"MultiAZ": False}}
    raw = rds_config({"r": BY_SNAPSHOT})
    raw["source"] = raw["source"] | {"like": "starforge-stage"}
    assert deploy(raw).one(INSTANCE).inputs["multiAz"] is False


def promotion(**changes: Any) -> Declared:
    restore = {"from": {"replica": "starforge-read"}, "validated": VALIDATED}
    found = deployed(restore, endpoints=[], writers=[], **changes).resources
    assert set(found) == {"r"}, "nothing of it is declared by the cloud's own package: it would own it"
    return found["r"]


@pytest.mark.usefixtures("aws")
def test_a_read_replica_is_promoted_when_it_serves_and_only_looked_at_before() -> None:
    before, serving = promotion(), promotion(serving="r")
    assert before.type == "dbrestore:rds:Promotion"
    assert before.inputs == {
        "name": "r",
        "replica": "starforge-read",
        "source": "starforge-prod",
        "region": "eu-central-1",
        "promote": False,
    }
    assert serving.inputs == before.inputs | {"promote": True}
    assert (before.protect, serving.protect) == (False, True)
    assert serving.timeouts == {"update": "3h"}


@pytest.mark.usefixtures("aws")
def test_the_application_reaches_the_promoted_replica_with_its_own_credentials() -> None:
    restore = {"from": {"replica": "starforge-read"}, "validated": VALIDATED}
    found = deployed(restore, serving="r").outputs["url"]
    assert found == Secret("postgresql://app:hunter2@starforge-read.example:5432/starforge")


DUMP: dict[str, Any] = {"dump": "s3://starforge-dumps/app.dump", "jobs": 8, "roles": "create"}
LOADED = {
    "name": "r",
    "place": "s3://starforge-dumps/app.dump",
    "jobs": 8,
    "role": "",
    "noOwner": False,
    "schemas": [],
    "tables": [],
    "roles": {},
    "createRoles": True,
    "accept": [],
}
EMPTY = {"engine": "postgres", "engineVersion": "15.8", "allocatedStorage": 500, "username": "master"}
"""What an instance that nothing is restored into is made with, besides what is copied for every kind."""


@pytest.mark.usefixtures("aws")
def test_a_dump_is_looked_at_then_an_empty_instance_is_made_then_it_is_loaded() -> None:
    found = deployed({"from": DUMP}, endpoints=[], writers=[]).resources
    names = {"r", "r-operators", "r-from-203.0.113.7/32", "r-dump", "r-password", "r-load"}
    assert set(found) == names
    assert found["r-dump"] == Declared(
        type="dbrestore:loading:Dump",
        name="r-dump",
        inputs=LOADED
        | {"platform": "rds", "version": "15.8", "room": 500 * 2**30, "known": ["app", "master"]},
        after=(),
        protect=False,
        secret_outputs=(),
        ignored=("known", "room", "runner", "version"),
    )
    assert found["r-password"].inputs == {"name": "r"}
    own = {name: value for name, value in OWN.items() if name != "manageMasterUserPassword"}
    assert found["r"].inputs == COPIED | own | EMPTY | {"password": Secret("drawn")}
    for made in ("r", "r-operators"):
        assert "r-dump" in found[made].after, "nothing is made for a dump that cannot be loaded"
    assert found["r-load"] == Declared(
        type="dbrestore:loading:Load",
        name="r-load",
        inputs=LOADED
        | {
            "locale": "",
            "url": Secret("postgresql://master:drawn@r.example.us-east-1.rds.amazonaws.com:5433/starforge"),
            "user": "app",
            "password": Secret("hunter2"),
        },
        after=("r", "r-from-203.0.113.7/32", "r-password"),
        protect=False,
        secret_outputs=("password", "url"),
        ignored=("runner",),
        timeouts={"create": "24h", "update": "24h"},
    )


@pytest.mark.usefixtures("aws")
def test_an_instance_for_a_dump_does_not_follow_the_originals_version_or_storage() -> None:
    made = deployed({"from": DUMP}).one(INSTANCE)
    assert set(made.ignored) == MADE_FROM | set(EMPTY)
    assert made.protect
    assert not {"snapshotIdentifier", "restoreToPointInTime"} & set(made.inputs)


@pytest.mark.usefixtures("aws")
def test_once_a_loaded_instance_is_accepted_rds_keeps_the_masters_password() -> None:
    found = inputs({"from": DUMP, "validated": VALIDATED})
    assert found["manageMasterUserPassword"] is True
    assert "password" not in found


def test_an_application_that_logs_in_as_the_master_loads_with_its_own_password(aws: StandIn) -> None:
    aws.records["starforge-prod"]["MasterUsername"] = "app"
    found = deployed({"from": DUMP}, endpoints=[], writers=[]).resources
    assert "r-password" not in found
    assert found["r"].inputs["password"] == Secret("hunter2")
    place = "r.example.us-east-1.rds.amazonaws.com:5433/starforge"
    assert found["r-load"].inputs["url"] == Secret(f"postgresql://app:hunter2@{place}")


@pytest.mark.usefixtures("aws")
def test_the_application_moves_only_to_an_instance_that_is_loaded() -> None:
    endpoints = [{"aws-secret": {"id": "starforge/database-url"}}]
    found = deployed({"from": DUMP, "validated": VALIDATED}, serving="r", endpoints=endpoints, writers=[])
    assert "r-load" in found.one("dbrestore:aws:Secret").after
    url = "postgresql://app:hunter2@r.example.us-east-1.rds.amazonaws.com:5433/starforge"
    assert found.outputs["url"] == Secret(url)


@pytest.mark.usefixtures("aws")
def test_of_the_applications_url_a_load_takes_only_how_it_is_encrypted() -> None:
    url = "postgresql://app:hunter2@h:5433/starforge?sslmode=verify-full&options=-cstatement_timeout%3D5s"
    found = deployed({"from": DUMP}, source_url=url).resources["r-load"].inputs["url"].value
    assert found.partition("?")[2] == "sslmode=verify-full"


def test_an_instance_for_a_dump_that_rds_is_still_making_is_only_good_for_its_removal(aws: StandIn) -> None:
    aws.records["r"] = MADE | {"DBInstanceStatus": "creating"}
    with pytest.raises(RunError, match=r"RDS is still making it(?s:.)*reforge teardown r"):
        deployed({"from": DUMP})
    aws.records["r"] = dict(MADE)
    aws.snapshots_known.clear()
    aws.quota = {"DBInstances": (40, 40), "AllocatedStorage": (1, 1)}
    assert inputs({"from": DUMP})["engine"] == "postgres", "and once it is made nothing is asked any more"


@pytest.mark.usefixtures("aws")
def test_what_is_being_removed_is_neither_looked_at_nor_loaded() -> None:
    released = {"from": DUMP, "release": True, "final-snapshot": "none"}
    found = deployed(released, endpoints=[], writers=[]).resources
    assert set(found) == {"r", "r-operators", "r-from-203.0.113.7/32", "r-password"}
    before = inputs({"from": DUMP})
    assert found["r"].inputs == before | {"skipFinalSnapshot": True, "deletionProtection": False}
