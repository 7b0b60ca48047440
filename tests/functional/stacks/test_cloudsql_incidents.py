"""Whole incidents in Cloud SQL: the program's declarations, in the order of calls of Google's provider.

Each trap of the provider is first seen to bite without the guard, then avoided with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from googleapiclient.errors import HttpError
from pulumi import RunError

from stacks.providers.gcp_cloudsql.faults import named
from tests.stacks.deployment import Declared, deploy
from tests.support.cloudsql import answers
from tests.support.cloudsql.original import BACKUP, cloudsql_config, project
from tests.support.cloudsql.provider import Failed, Provider
from tests.support.cloudsql.server import CloudSql, cloud_sql
from tests.unit.stacks.examples import VALIDATED

pytestmark = [
    pytest.mark.clouds,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pulumi_gcp"),  # its own, at its import
]
TIME = "2025-12-03T14:23:00Z"
BY_TIME: dict[str, Any] = {"from": {"time": TIME}}
BY_BACKUP: dict[str, Any] = {"from": {"snapshot": BACKUP["id"]}}
RELEASED = {"release": True, "final-snapshot": "last-of-r"}


@pytest.fixture
def gcp() -> Iterator[CloudSql]:
    with cloud_sql(project()) as here:
        here.admin.now = datetime.now(UTC)
        yield here
        assert here.touched("starforge-prod") == [], "the original is looked up, never changed"
        assert here.admin.contents["starforge-prod"] == "damaged"


@pytest.fixture
def provider() -> Provider:
    return Provider("starforge")


def declared(restore: dict[str, Any], name: str = "r", **changes: Any) -> Declared:
    return deploy(cloudsql_config({name: restore}, endpoints=[], writers=[], **changes)).resources[name]


def admitted(gcp: CloudSql) -> list[str]:
    entries = gcp.admin.instances["r"]["settings"]["ipConfiguration"]["authorizedNetworks"]
    return [one["value"] for one in entries]


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ({"time": TIME}, f"starforge-prod at {TIME}"),
        ({"latest": True}, "starforge-prod at the latest time"),
        ({"snapshot": BACKUP["id"]}, f"backup {BACKUP['id']} of starforge-prod"),
    ],
    ids=["time", "latest", "snapshot"],
)
def test_a_restore_is_made_accepted_released_and_removed(
    gcp: CloudSql, provider: Provider, asked: dict[str, Any], holds: str
) -> None:
    provider.up(declared({"from": asked}))
    assert gcp.admin.contents["r"] == holds
    assert admitted(gcp) == ["203.0.113.7/32"]
    original, restored = (gcp.admin.instances[name]["settings"] for name in ("starforge-prod", "r"))
    same = (
        "tier",
        "edition",
        "databaseFlags",
        "availabilityType",
        "denyMaintenancePeriods",
        "insightsConfig",
    )
    assert {name: restored[name] for name in same} == {name: original[name] for name in same}
    assert restored["deletionProtectionEnabled"]

    provider.up(declared({"from": asked, "validated": VALIDATED}, serving="r"))
    assert admitted(gcp) == ["203.0.113.7/32", "198.51.100.0/24"]

    provider.up(declared({"from": asked, "validated": VALIDATED, **RELEASED}))
    assert gcp.admin.contents["r"] == holds
    provider.remove("r")
    assert "r" not in gcp.admin.instances
    assert gcp.admin.final_backups == [{"instance": "r", "type": "FINAL", "description": "last-of-r"}]


def test_another_backup_in_the_config_would_overwrite_what_serves_and_does_not(
    gcp: CloudSql, provider: Provider
) -> None:
    gcp.admin.backups["starforge-prod"].append(BACKUP | {"id": "7"})
    provider.up(declared(BY_BACKUP))
    holds = gcp.admin.contents["r"]
    edited = declared({"from": {"snapshot": "7"}, "validated": VALIDATED}, serving="r")
    provider.up(edited)
    assert gcp.admin.contents["r"] == holds

    unguarded = tuple(name for name in edited.ignored if name != "restoreBackupContext")
    provider.up(replace(edited, ignored=unguarded))
    assert gcp.admin.contents["r"] == "backup 7 of starforge-prod", "without the guard it bites"


def test_a_change_of_the_original_would_change_what_serves_and_does_not(
    gcp: CloudSql, provider: Provider
) -> None:
    provider.up(declared(BY_TIME))
    gcp.admin.instances["starforge-prod"]["settings"] |= {"tier": "db-f1-micro", "databaseFlags": []}
    edited = declared(BY_TIME | {"validated": VALIDATED}, serving="r")
    provider.up(edited)
    settings = gcp.admin.instances["r"]["settings"]
    assert settings["tier"] == "db-custom-4-15360"
    assert len(settings["databaseFlags"]) == 2

    provider.up(replace(edited, ignored=()))
    assert gcp.admin.instances["r"]["settings"]["tier"] == "db-f1-micro", "without the guard it bites"


def test_a_fence_around_the_original_does_not_close_what_serves(gcp: CloudSql, provider: Provider) -> None:
    cron = {"name": "cloudsql.enable_pg_cron", "value": "on"}
    original = gcp.admin.instances["starforge-prod"]["settings"]
    original["databaseFlags"] = [cron]
    serving: dict[str, Any] = {"restore": BY_TIME | {"validated": VALIDATED}, "serving": "r"}
    provider.up(declared(BY_TIME))
    provider.up(declared(**serving))  # accepted and serving in one step: it is opened all the same
    assert admitted(gcp) == ["203.0.113.7/32", "198.51.100.0/24"]
    assert gcp.admin.instances["r"]["settings"]["databaseFlags"] == [cron]

    original["ipConfiguration"]["authorizedNetworks"] = []
    original["databaseFlags"] = [cron | {"value": "off"}]
    for _ in range(2):  # resume --canary, resume
        provider.up(declared(**serving, operators=["203.0.113.8/32"]))
        assert admitted(gcp) == ["203.0.113.8/32", "198.51.100.0/24"], "the operators' alone are followed"
        assert gcp.admin.instances["r"]["settings"]["databaseFlags"] == [cron]

    original["ipConfiguration"]["ipv4Enabled"] = False
    original["databaseFlags"] = []
    provider.up(declared(**serving))
    assert admitted(gcp) == ["203.0.113.7/32", "198.51.100.0/24"]
    assert gcp.admin.instances["r"]["settings"]["databaseFlags"] == [cron]


def test_a_network_of_the_application_outlives_an_operator_of_the_same(
    gcp: CloudSql, provider: Provider
) -> None:
    entries = gcp.admin.instances["starforge-prod"]["settings"]["ipConfiguration"]["authorizedNetworks"]
    entries.append({"value": "192.0.2.0/24", "name": "operator"})  # it was itself a restore once
    serving: dict[str, Any] = {"restore": BY_TIME | {"validated": VALIDATED}, "serving": "r"}
    provider.up(declared(BY_TIME, operators=["198.51.100.0/24"]))
    provider.up(declared(**serving, operators=["198.51.100.0/24"]))
    entries.clear()
    provider.up(declared(**serving, operators=["203.0.113.7/32"]))
    assert admitted(gcp) == ["203.0.113.7/32", "198.51.100.0/24", "192.0.2.0/24"]


def test_jobs_that_the_original_gets_later_do_not_come_to_what_serves(
    gcp: CloudSql, provider: Provider
) -> None:
    provider.up(declared(BY_TIME))
    provider.up(declared(BY_TIME | {"validated": VALIDATED}, serving="r"))
    flags = gcp.admin.instances["r"]["settings"]["databaseFlags"]
    gcp.admin.instances["starforge-prod"]["settings"]["databaseFlags"] = [
        {"name": "cloudsql.enable_pg_cron", "value": "on"}
    ]
    provider.up(declared(BY_TIME | {"validated": VALIDATED}, serving="r"))
    assert gcp.admin.instances["r"]["settings"]["databaseFlags"] == flags


def test_an_edited_clone_is_not_cloned_anew(gcp: CloudSql, provider: Provider) -> None:
    provider.up(declared(BY_TIME))
    provider.up(declared({"from": {"time": "2025-12-03T10:00:00Z"}, "validated": VALIDATED}))
    assert gcp.admin.contents["r"] == f"starforge-prod at {TIME}"


def test_a_clone_that_is_not_released_cannot_be_deleted_by_either_way(
    gcp: CloudSql, provider: Provider
) -> None:
    made = declared(BY_TIME)
    provider.up(made)
    with pytest.raises(Failed, match="is protected"):
        provider.remove("r")
    provider.state["r"] = replace(made, protect=False, inputs=made.inputs | {"deletionProtection": False})
    with pytest.raises(HttpError, match="deletion protection"):
        provider.remove("r")
    assert "r" in gcp.admin.instances


def test_a_name_that_is_still_reserved_is_refused_before_anything_is_asked_for(
    gcp: CloudSql, provider: Provider
) -> None:
    provider.up(declared(BY_TIME))
    again = declared(BY_TIME | RELEASED)
    provider.up(again)
    provider.remove("r")
    with pytest.raises(RunError, match="its name may be taken until"):
        declared(BY_TIME)
    with pytest.raises(HttpError, match="until one week") as told:
        provider.up(again)  # without the guard it bites
    problem = named(f"googleapi: Error 409: {told.value.reason}, instanceAlreadyExists")
    assert problem
    assert problem.name == "cloudsql-name-reserved"
    assert "gcloud sql instances delete" in problem.cure, "it may be a clone that a run gave up on"
    assert "gcloud sql instances describe" in problem.cure, "or somebody's database"
    provider.up(declared(BY_TIME, "r-2"))
    assert gcp.admin.contents["r-2"] == f"starforge-prod at {TIME}"


def test_an_operation_that_never_ends_is_given_up_with_a_name_and_the_next_run_finds_it(
    gcp: CloudSql, provider: Provider
) -> None:
    gcp.admin.endings["CREATE_CLONE"] = "never"
    asked = declared(BY_TIME)
    assert asked.timeouts["create"] == "6h"
    with pytest.raises(Failed) as told:
        provider.up(asked)
    problem = named(str(told.value))
    assert problem
    assert problem.name == "cloudsql-operation-unfinished"
    assert provider.state == {}, "the provider forgets it"
    assert "gcloud sql instances delete NAME --project=PROJECT" in problem.cure, "no state knows it"
    with pytest.raises(RunError, match="still being cloned") as refused:
        declared(BY_TIME)  # and what it left is found by name, never taken for a finished restore
    for what in ("instances patch r --project=starforge --no-deletion-protection", "instances delete r "):
        assert f"gcloud sql {what}" in str(refused.value)


def test_the_quota_is_named_where_cloud_sql_tells_of_it(gcp: CloudSql, provider: Provider) -> None:
    gcp.fails("sql.instances.insert", answers.INSTANCE_QUOTA)
    with pytest.raises(HttpError) as told:
        provider.up(declared(BY_BACKUP))
    problem = named(f"googleapi: Error 403: {told.value.reason}, instanceLimitExceeded")
    assert problem
    assert problem.name == "cloudsql-quota-reached"
    assert provider.state == {}


def test_a_backup_that_was_deleted_meanwhile_leaves_an_empty_instance_that_is_never_taken_for_whole(
    gcp: CloudSql, provider: Provider
) -> None:
    asked = declared(BY_BACKUP)
    gcp.admin.backups.clear()  # between the approval and the apply
    with pytest.raises(HttpError, match="backup run does not exist"):
        provider.up(asked)
    assert gcp.admin.contents["r"] == "empty"
    assert "r" in provider.state, "the engine holds it for made"
    with pytest.raises(RunError, match="holds nothing"):
        declared(BY_BACKUP)


def test_a_create_that_fails_after_it_made_the_instance_is_torn_down_and_begun_under_another_name(
    gcp: CloudSql, provider: Provider
) -> None:
    gcp.admin.endings["RESTORE_VOLUME"] = "An internal error occurred."
    with pytest.raises(Failed, match="internal error"):
        provider.up(declared(BY_BACKUP))
    with pytest.raises(RunError, match="reforge teardown r"):
        declared(BY_BACKUP)
    provider.up(declared(BY_BACKUP | {"release": True, "final-snapshot": "none"}))
    provider.remove("r")
    assert "r" not in gcp.admin.instances
    gcp.admin.endings.clear()
    provider.up(declared(BY_BACKUP, "r-2"))
    assert gcp.admin.contents["r-2"] == f"backup {BACKUP['id']} of starforge-prod"


def test_a_clone_whose_settings_failed_is_finished_by_the_next_run(gcp: CloudSql, provider: Provider) -> None:
    gcp.fails("sql.instances.update", answers.TOO_MANY)
    with pytest.raises(HttpError):
        provider.up(declared(BY_TIME))
    again = declared(BY_TIME)  # no label of ours yet, and yet no stranger: it is a clone
    # What the provider read of it before it failed: all as the original's, for a clone copies them.
    network = again.inputs["settings"]["ipConfiguration"] | {
        "authorizedNetworks": [{"value": "198.51.100.0/24"}]
    }
    read = again.inputs["settings"] | {"userLabels": {"team": "forge"}, "ipConfiguration": network}
    provider.state["r"] = replace(again, inputs=again.inputs | {"settings": read})
    provider.up(again)
    assert gcp.admin.instances["r"]["settings"]["userLabels"]["reforge-restore"] == "r"
    assert admitted(gcp) == ["203.0.113.7/32"]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"tiers": "x"}, "unknown field tiers"),
        ({"tier": 4}, "4 is no string"),
        ({"storageAutoResize": "yes"}, "'yes' is no boolean"),
        ({"databaseFlags": [{"name": "x", "val": "1"}]}, "unknown field val"),
        ({"dataDiskSizeGb": 500}, ""),
    ],
)
def test_the_fake_takes_only_what_the_discovery_document_allows(change: dict[str, Any], wrong: str) -> None:
    from tests.support.cloudsql import discovery

    method = discovery.route("POST", "/v1/projects/starforge/instances")
    assert method
    found = discovery.complaints(method, {}, {"name": "r", "settings": change})
    assert len(found) == bool(wrong)
    assert wrong in "".join(found)


def test_the_fake_knows_each_method_by_its_path_and_verb() -> None:
    from tests.support.cloudsql import discovery

    clone = discovery.route("POST", "/v1/projects/p/instances/i/clone")
    assert clone
    assert (clone.id, clone.path) == ("sql.instances.clone", {"project": "p", "instance": "i"})
    assert discovery.route("POST", "/v1/projects/p/instances/i") is None
    kinds = {"cloneContext": {"destinationInstanceName": "r", "pointInTimes": TIME}}
    assert discovery.complaints(clone, {"force": "1"}, kinds) == [
        "unknown parameter force",
        "body.cloneContext: unknown field pointInTimes",
    ]
