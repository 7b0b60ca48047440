"""What the program declares for a restore in Cloud SQL: every input of every resource, for each kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pulumi import RunError

from tests.stacks.deployment import Declared, Secret, deploy
from tests.support.cloudsql.original import BACKUP, KEY, NETWORK, SOURCE, cloudsql_config, project
from tests.support.cloudsql.server import CloudSql, cloud_sql
from tests.unit.stacks.examples import VALIDATED

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pulumi_gcp")  # its own, at its import
INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance"
TIME = "2025-12-03T14:23:00Z"
BY_BACKUP: dict[str, Any] = {"from": {"snapshot": BACKUP["id"]}}
BY_TIME: dict[str, Any] = {"from": {"time": TIME}}
CRON = [{"name": "cloudsql.enable_pg_cron", "value": "on"}, {"name": "max_connections", "value": "400"}]

COPIED = {
    "tier": "db-custom-4-15360",
    "edition": "ENTERPRISE",
    "activationPolicy": "ALWAYS",
    "availabilityType": "REGIONAL",
    "pricingPlan": "PER_USE",
    "diskType": "PD_SSD",
    "diskSize": 500,
    "diskAutoresize": True,
    "diskAutoresizeLimit": 1000,
    "connectorEnforcement": "NOT_REQUIRED",
    "retainBackupsOnDelete": True,
    "enableGoogleMlIntegration": False,
    "enableDataplexIntegration": True,
    "databaseFlags": [
        {"name": "max_connections", "value": "400"},
        {"name": "cloudsql.iam_authentication", "value": "on"},
    ],
    "locationPreference": {"zone": "europe-west3-a", "secondaryZone": "europe-west3-b"},
    "maintenanceWindow": {"day": 7, "hour": 4, "updateTrack": "stable"},
    "denyMaintenancePeriod": {"startDate": "11-20", "endDate": "12-31", "time": "00:00:00"},
    "backupConfiguration": {
        "enabled": True,
        "startTime": "03:00",
        "location": "eu",
        "pointInTimeRecoveryEnabled": True,
        "transactionLogRetentionDays": 7,
        "backupTier": "STANDARD",
        "backupRetentionSettings": {"retentionUnit": "COUNT", "retainedBackups": 15},
    },
    "insightsConfig": {
        "queryInsightsEnabled": True,
        "queryStringLength": 4500,
        "recordClientAddress": True,
    },
    "passwordValidationPolicy": {"enablePasswordPolicy": True, "minLength": 16},
}
"""Settings of the original; Cloud SQL or its provider would choose its own for most of them."""

OWN_SETTINGS = {
    "userLabels": {"team": "forge", "reforge-restore": "r"},
    "deletionProtectionEnabled": True,
    "finalBackupConfig": {"enabled": False},
    "ipConfiguration": {
        "ipv4Enabled": True,
        "privateNetwork": NETWORK,
        "allocatedIpRange": "sql-range",
        "sslMode": "ENCRYPTED_ONLY",
        "serverCaMode": "GOOGLE_MANAGED_INTERNAL_CA",
        "enablePrivatePathForGoogleCloudServices": True,
        "authorizedNetworks": [{"name": "operator", "value": "203.0.113.7/32"}],
    },
}
"""Settings of the restore alone; of the network, all but who gets in is the original's."""

OWN = {
    "name": "r",
    "project": "starforge",
    "region": "europe-west3",
    "databaseVersion": "POSTGRES_15",
    "encryptionKeyName": KEY,
    "instanceType": "CLOUD_SQL_INSTANCE",
    "deletionProtection": True,
    "settings": COPIED | OWN_SETTINGS,
}

KINDS = {
    "snapshot": {
        "restoreBackupContext": {
            "project": "starforge",
            "instanceId": "starforge-prod",
            "backupRunId": 1764558000000,
        }
    },
    "time": {"clone": {"sourceInstanceName": "starforge-prod", "pointInTime": TIME}},
    "latest": {"clone": {"sourceInstanceName": "starforge-prod"}},
}
"""What it is made from."""


@pytest.fixture
def gcp() -> Iterator[CloudSql]:
    with cloud_sql(project()) as here:
        yield here
        assert [call for call in here.recorded if call.changes] == [], "the program only reads"


def one(restore: dict[str, Any], **changes: Any) -> Declared:
    return deploy(cloudsql_config({"r": restore}, **changes)).one(INSTANCE)


def admitted(restore: dict[str, Any]) -> list[str]:
    """The networks that are let in by public IP."""
    config = one(restore).inputs["settings"]["ipConfiguration"]
    return [entry["value"] for entry in config["authorizedNetworks"]]


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("snapshot", {"snapshot": BACKUP["id"]}),
        ("time", {"time": "2025-12-03T15:23:00+01:00"}),
        ("latest", {"latest": True}),
    ],
)
@pytest.mark.usefixtures("gcp")
def test_every_input_of_every_resource(kind: str, asked: dict[str, Any]) -> None:
    found = deploy(cloudsql_config({"r": {"from": asked}}, endpoints=[], writers=[])).resources
    assert set(found) == {"r"}
    assert found["r"].inputs == OWN | KINDS[kind]


@pytest.mark.usefixtures("gcp")
def test_what_made_it_and_what_was_copied_never_changes_it_later() -> None:
    declared = one(BY_BACKUP)
    network = OWN_SETTINGS["ipConfiguration"]
    assert isinstance(network, dict)
    copied = {f"settings.{name}" for name in COPIED}
    copied |= {f"settings.ipConfiguration.{name}" for name in network if name != "authorizedNetworks"}
    made = {"clone", "restoreBackupContext", "databaseVersion", "region", "encryptionKeyName"}
    assert made | copied <= set(declared.ignored)
    own = {"userLabels", "deletionProtectionEnabled", "finalBackupConfig", "ipConfiguration"}
    assert not {f"settings.{name}" for name in own} & set(declared.ignored)
    assert declared.protect
    assert declared.timeouts == {"create": "6h", "update": "3h", "delete": "2h"}


@pytest.mark.usefixtures("gcp")
def test_an_edited_clone_block_or_backup_context_is_not_looked_at_again() -> None:
    """`clone` edits never clone anew, and another backup context would be restored INTO the instance."""
    assert {"clone", "restoreBackupContext"} <= set(one(BY_TIME).ignored)


@pytest.mark.usefixtures("gcp")
def test_a_restore_is_an_instance_of_its_own_and_no_replica() -> None:
    inputs = one(BY_TIME).inputs
    assert inputs["instanceType"] == "CLOUD_SQL_INSTANCE"
    assert not {"masterInstanceName", "replicaConfiguration", "replicationCluster"} & set(inputs)


def test_both_deletion_protections_are_set_where_the_original_has_none(gcp: CloudSql) -> None:
    """A clone has the original's own: it is set on purpose."""
    gcp.admin.instances["starforge-prod"]["settings"]["deletionProtectionEnabled"] = False
    inputs = one(BY_TIME).inputs
    assert inputs["deletionProtection"]
    assert inputs["settings"]["deletionProtectionEnabled"]


@pytest.mark.parametrize(
    ("kept", "final", "described"),
    [
        ("last-of-r", {"enabled": True, "retentionDays": 90}, {"finalBackupDescription": "last-of-r"}),
        ("none", {"enabled": False}, {}),
    ],
)
@pytest.mark.usefixtures("gcp")
def test_a_release_takes_both_protections_off_and_changes_nothing_else(
    kept: str, final: dict[str, Any], described: dict[str, Any]
) -> None:
    before = one(BY_TIME)
    after = one(BY_TIME | {"release": True, "final-snapshot": kept, "final-backup-days": 90})
    settings = before.inputs["settings"] | {"deletionProtectionEnabled": False, "finalBackupConfig": final}
    assert after.inputs == before.inputs | described | {"deletionProtection": False, "settings": settings}
    assert (before.protect, after.protect) == (True, False)


@pytest.mark.usefixtures("gcp")
def test_a_size_is_the_restores_own_and_may_be_changed() -> None:
    declared = one(BY_TIME | {"size": "db-custom-8-30720"})
    assert declared.inputs["settings"]["tier"] == "db-custom-8-30720"
    assert "settings.tier" not in declared.ignored


@pytest.mark.usefixtures("gcp")
def test_a_zone_is_where_it_is_cloned_to_while_the_originals_is_away() -> None:
    inputs = one(BY_TIME | {"zone": "europe-west3-c"}).inputs
    assert inputs["clone"]["preferredZone"] == "europe-west3-c"
    assert inputs["settings"]["locationPreference"] == {"zone": "europe-west3-c"}


@pytest.mark.usefixtures("gcp")
def test_the_originals_networks_come_when_it_is_accepted() -> None:
    assert admitted(BY_TIME) == ["203.0.113.7/32"]
    assert admitted(BY_TIME | {"validated": VALIDATED}) == ["203.0.113.7/32", "198.51.100.0/24"]


def test_an_original_without_a_public_address_gets_none(gcp: CloudSql) -> None:
    gcp.admin.instances["starforge-prod"]["settings"]["ipConfiguration"]["ipv4Enabled"] = False
    config = one(BY_TIME).inputs["settings"]["ipConfiguration"]
    assert config["ipv4Enabled"] is False
    assert "authorizedNetworks" not in config


@pytest.mark.parametrize(
    ("host", "then"),
    [("10.9.0.5", "10.9.0.90"), ("203.0.113.5", "203.0.113.90"), ("db.internal", "10.9.0.90")],
)
@pytest.mark.usefixtures("gcp")
def test_the_applications_url_differs_in_host_alone_and_keeps_to_the_kind_of_address(
    host: str, then: str
) -> None:
    raw = cloudsql_config({"r": BY_TIME | {"validated": VALIDATED}}, serving="r")
    raw["source-url"] = f"postgresql://app:hunter2@{host}:5432/starforge"
    assert deploy(raw).outputs["url"] == Secret(f"postgresql://app:hunter2@{then}:5432/starforge")


@pytest.mark.parametrize(
    ("host", "has", "then"),
    [
        ("34.89.1.2", {"PRIMARY", "PRIVATE"}, "203.0.113.90"),
        ("10.8.0.5", {"PRIMARY", "PRIVATE"}, "10.9.0.90"),
        ("db.internal", {"PRIMARY", "PRIVATE"}, "10.9.0.90"),
        ("34.89.1.2", {"PRIVATE"}, "10.9.0.90"),
        ("10.8.0.5", {"PRIMARY"}, "203.0.113.90"),
    ],
)
def test_the_kind_of_address_is_kept_where_another_lends_its_settings(
    gcp: CloudSql, host: str, has: set[str], then: str
) -> None:
    stage = gcp.admin.instances.pop("starforge-prod")
    stage["ipAddresses"] = [one for one in stage["ipAddresses"] if one["type"] in has]
    gcp.admin.instances["starforge-stage"] = stage | {"name": "starforge-stage"}
    source = SOURCE | {"like": "starforge-stage"}
    raw = cloudsql_config({"r": BY_BACKUP | {"validated": VALIDATED}}, serving="r", source=source)
    raw["source-url"] = f"postgresql://app:hunter2@{host}:5432/starforge"
    assert deploy(raw).outputs["url"] == Secret(f"postgresql://app:hunter2@{then}:5432/starforge")


def test_a_public_url_stays_public_when_the_original_is_taken_off_the_internet(gcp: CloudSql) -> None:
    made(gcp, "CREATE_CLONE")
    original = gcp.admin.instances["starforge-prod"]
    original["ipAddresses"] = [one for one in original["ipAddresses"] if one["type"] == "PRIVATE"]
    raw = cloudsql_config({"r": BY_TIME | {"validated": VALIDATED}}, serving="r")
    raw["source-url"] = "postgresql://app:hunter2@34.89.1.2:5432/starforge"
    assert deploy(raw).outputs["url"] == Secret("postgresql://app:hunter2@203.0.113.90:5432/starforge")


@pytest.mark.usefixtures("gcp")
def test_no_password_is_declared() -> None:
    """Users and their passwords come with the data, and the state of the stack holds none of them."""
    assert not [name for name in one(BY_BACKUP).inputs if "password" in name.lower()]


def test_the_originals_jobs_do_not_run_before_it_is_accepted(gcp: CloudSql) -> None:
    gcp.admin.instances["starforge-prod"]["settings"]["databaseFlags"] = CRON
    declared = one(BY_TIME)
    assert {"name": "cloudsql.enable_pg_cron", "value": "off"} in declared.inputs["settings"]["databaseFlags"]
    assert "settings.databaseFlags" not in declared.ignored
    accepted = one(BY_TIME | {"validated": VALIDATED}).inputs["settings"]["databaseFlags"]
    assert {"name": "cloudsql.enable_pg_cron", "value": "on"} in accepted


def test_flags_that_the_original_gets_later_do_not_follow_with_its_jobs(gcp: CloudSql) -> None:
    made(gcp, "CREATE_CLONE", databaseFlags=CRON)
    gcp.admin.instances["starforge-prod"]["settings"]["databaseFlags"] = [
        CRON[0],
        {"name": "x", "value": "1"},
    ]
    found = one(BY_TIME | {"validated": VALIDATED}).inputs["settings"]["databaseFlags"]
    assert [flag["name"] for flag in found] == ["cloudsql.enable_pg_cron", "max_connections"]


def made(gcp: CloudSql, how: str, **settings: Any) -> None:
    """The restore ``r`` as it is once it was made."""
    original = gcp.admin.instances["starforge-prod"]
    own = original["settings"] | {"userLabels": {"reforge-restore": "r"}} | settings
    gcp.admin.instances["r"] = original | {"name": "r", "settings": own}
    gcp.admin.operations.append({"operationType": how, "targetId": "r", "status": "DONE"})


def test_once_made_nothing_is_asked_of_what_it_was_made_from(gcp: CloudSql) -> None:
    made(gcp, "RESTORE_VOLUME")
    gcp.admin.backups.clear()
    gcp.admin.windows.clear()
    assert one(BY_BACKUP).inputs["restoreBackupContext"]
    made(gcp, "CREATE_CLONE")
    assert one({"from": {"time": "2020-01-01T00:00:00Z"}}).inputs["clone"]


def test_an_instance_of_somebody_else_is_never_taken_for_ours(gcp: CloudSql) -> None:
    gcp.admin.instances["r"] = gcp.admin.instances["starforge-prod"] | {"name": "r"}
    with pytest.raises(RunError, match="no restore of ours"):
        one(BY_TIME)


def test_the_original_is_in_no_resource_but_as_where_from(gcp: CloudSql) -> None:
    for restore, block in ((BY_TIME, "clone"), (BY_BACKUP, "restoreBackupContext")):
        inputs = one(restore).inputs
        assert "starforge-prod" in str(inputs.pop(block))
        assert "starforge-prod" not in str(inputs)


def test_a_backup_is_never_restored_to_an_instance_that_is_there(gcp: CloudSql) -> None:
    with pytest.raises(RunError, match="a restore is always a new one"):
        deploy(cloudsql_config({"starforge-prod": BY_BACKUP}))


def test_another_instance_lends_its_settings_where_the_original_is_gone(gcp: CloudSql) -> None:
    stage = gcp.admin.instances.pop("starforge-prod")
    stage["settings"]["availabilityType"] = "ZONAL"
    gcp.admin.instances["starforge-stage"] = stage | {"name": "starforge-stage"}
    asked = {"from": {"snapshot": f"projects/starforge/instances/starforge-prod/backupRuns/{BACKUP['id']}"}}
    inputs = one(asked, source=SOURCE | {"like": "starforge-stage"}).inputs
    assert inputs["settings"]["availabilityType"] == "ZONAL"


def test_a_read_replica_is_promoted_when_it_serves_and_only_looked_at_before() -> None:
    restore = {"from": {"replica": "starforge-read"}, "validated": VALIDATED}
    with cloud_sql(project()):
        before = deploy(cloudsql_config({"r": restore})).one("dbrestore:cloudsql:Promotion")
        serving = deploy(cloudsql_config({"r": restore}, serving="r"))
    assert before.inputs == {
        "name": "r",
        "replica": "starforge-read",
        "source": "starforge-prod",
        "project": "starforge",
        "address": "PRIVATE",
        "promote": False,
    }
    after = serving.one("dbrestore:cloudsql:Promotion")
    assert after.inputs == before.inputs | {"promote": True}
    assert (before.protect, after.protect) == (False, True)
    assert serving.outputs["url"] == Secret("postgresql://app:hunter2@10.9.0.6:5432/starforge")


DUMP: dict[str, Any] = {"dump": "gs://starforge-dumps/app.dump", "jobs": 8, "no-owner": True, "role": "app"}
LOADED = {
    "name": "r",
    "place": "gs://starforge-dumps/app.dump",
    "jobs": 8,
    "role": "app",
    "noOwner": True,
    "schemas": [],
    "tables": [],
    "roles": {},
    "createRoles": False,
    "accept": [],
}


@pytest.mark.usefixtures("gcp")
def test_a_dump_is_looked_at_then_an_empty_instance_is_made_then_it_is_loaded() -> None:
    found = deploy(cloudsql_config({"r": {"from": DUMP}}, endpoints=[], writers=[])).resources
    assert set(found) == {"r", "r-dump", "r-password", "r-load"}
    assert found["r-dump"] == Declared(
        type="dbrestore:loading:Dump",
        name="r-dump",
        inputs=LOADED
        | {"platform": "cloudsql", "version": "15", "room": 1000 * 2**30, "known": ["app", "postgres"]},
        after=(),
        protect=False,
        secret_outputs=(),
        ignored=("known", "room", "runner", "version"),
    )
    assert found["r"].inputs == OWN | {"rootPassword": Secret("drawn")}
    assert "r-dump" in found["r"].after, "nothing is made for a dump that cannot be loaded"
    assert found["r-load"] == Declared(
        type="dbrestore:loading:Load",
        name="r-load",
        inputs=LOADED
        | {
            "locale": "",
            "url": Secret("postgresql://postgres:drawn@10.9.0.90:5432/starforge"),
            "user": "app",
            "password": Secret("hunter2"),
        },
        after=("r", "r-password"),
        protect=False,
        secret_outputs=("password", "url"),
        ignored=("runner",),
        timeouts={"create": "24h", "update": "24h"},
    )


@pytest.mark.parametrize(
    ("settings", "gib"),
    [
        ({}, 1000),
        ({"storageAutoResizeLimit": "0"}, 65536),
        ({"storageAutoResize": False}, 500),
    ],
)
def test_the_room_is_what_the_disk_may_grow_to(gcp: CloudSql, settings: dict[str, Any], gib: int) -> None:
    gcp.admin.instances["starforge-prod"]["settings"] |= settings
    found = deploy(cloudsql_config({"r": {"from": DUMP}})).one("dbrestore:loading:Dump")
    assert found.inputs["room"] == gib * 2**30


@pytest.mark.usefixtures("gcp")
def test_the_application_moves_only_to_an_instance_that_is_loaded() -> None:
    endpoints = [{"gcp-secret": {"project": "starforge", "id": "database-url"}}]
    restore = {"from": DUMP, "validated": VALIDATED}
    found = deploy(cloudsql_config({"r": restore}, serving="r", endpoints=endpoints, writers=[]))
    assert "r-load" in found.one("dbrestore:gcp:Secret").after
    assert found.outputs["url"] == Secret("postgresql://app:hunter2@10.9.0.90:5432/starforge")


@pytest.mark.usefixtures("gcp")
def test_an_application_that_logs_in_as_postgres_loads_with_its_own_password() -> None:
    url = "postgresql://postgres:hunter2@10.9.0.5:5432/starforge"
    raw = cloudsql_config({"r": {"from": DUMP}}, endpoints=[], writers=[], source_url=url)
    found = deploy(raw).resources
    assert "r-password" not in found
    assert found["r"].inputs["rootPassword"] == Secret("hunter2")


@pytest.mark.usefixtures("gcp")
def test_what_is_being_removed_is_neither_looked_at_nor_loaded() -> None:
    released = {"from": DUMP, "release": True, "final-snapshot": "none"}
    found = deploy(cloudsql_config({"r": released}, endpoints=[], writers=[])).resources
    assert set(found) == {"r", "r-password"}
    assert found["r"].inputs["rootPassword"] == Secret("drawn")
