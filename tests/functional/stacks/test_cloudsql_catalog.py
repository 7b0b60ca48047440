"""What can be restored from Cloud SQL, asked of a fake of its API, and how its refusals are told."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from google.auth import exceptions as google_wrong

from problem import Problem, Refusal
from stacks.providers.gcp_cloudsql import api, catalog, gates
from stacks.providers.gcp_cloudsql.api import CloudSql
from stacks.providers.gcp_cloudsql.settings import Restore, Source
from tests.support.cloudsql import answers
from tests.support.cloudsql.original import BACKUP, SOURCE, project
from tests.support.cloudsql.server import CloudSql as Fake
from tests.support.cloudsql.server import cloud_sql

pytestmark = pytest.mark.clouds
ORIGINAL = Source.model_validate(SOURCE)
BY_BACKUP = {"snapshot": BACKUP["id"]}


@pytest.fixture
def gcp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    monkeypatch.setattr(api, "TRIES", 0)
    with cloud_sql(project()) as here:
        yield here
        assert not [call for call in here.recorded if call.changes], "catalog and gates only read"


def named(call: Callable[[], Any]) -> str:
    with pytest.raises(Problem) as told:
        call()
    assert "ya29" not in str(told.value)
    return told.value.name


def require(asked: dict[str, Any], **more: Any) -> Any:
    door = CloudSql("starforge")
    restore = Restore.model_validate({"from": asked, **more})
    return gates.require("r", restore, ORIGINAL, door.instance("starforge-prod"), door)


def made(asked: dict[str, Any], **more: Any) -> Any:
    return gates.made("r", Restore.model_validate({"from": asked, **more}), CloudSql("starforge"))


def test_the_catalog_of_an_original(gcp: Fake) -> None:
    automated = {"id": "1764471600000", "type": "AUTOMATED", "status": "FAILED", "description": ""}
    gcp.admin.backups["starforge-prod"].append(BACKUP | automated | {"startTime": "2025-11-30T03:00:00.1Z"})
    found = catalog.what_can_be_restored(ORIGINAL).document()
    assert found["backups"] == [
        {
            "name": "1764471600000",
            "size": 2**30,
            "started": "2025-11-30T03:00:00Z",
            "finished": "2025-12-01T03:04:00Z",
            "timeline": None,
            "version": "15",
            "form": "automated",
            "tablespaces": {},
            "buildsOn": [],
            "problems": ["is FAILED"],
        },
        found["backups"][1],
    ]
    assert found["backups"][1]["form"] == "on-demand, before the migration"
    assert found["backups"][1]["problems"] == []
    span = {"start": "2025-11-26T03:00:00Z", "end": "2025-12-03T14:57:00Z", "timeline": None, "gaps": []}
    assert found["windows"] == [{"backup": "point-in-time recovery", **span}]
    assert found["readReplicas"] == [{"name": "starforge-read", "status": "RUNNABLE", "problem": ""}]
    assert "db-custom-8-30720" in found["tiers"]
    assert found["unseen"] == []


def test_lists_are_read_to_their_last_page(gcp: Fake) -> None:
    gcp.admin.page = 1
    gcp.admin.backups["starforge-prod"] += [BACKUP | {"id": str(number)} for number in (2, 3)]
    assert len(catalog.what_can_be_restored(ORIGINAL).backups) == 3


def test_without_point_in_time_recovery_there_is_no_window(gcp: Fake) -> None:
    settings = gcp.admin.instances["starforge-prod"]["settings"]
    settings["backupConfiguration"]["pointInTimeRecoveryEnabled"] = False
    assert catalog.what_can_be_restored(ORIGINAL).document()["windows"] == []
    assert named(lambda: require({"time": "2025-12-03T14:00:00Z"})) == "cloudsql-outside-window"


def test_a_replica_that_does_not_run_says_so(gcp: Fake) -> None:
    gcp.admin.instances["starforge-read"]["state"] = "MAINTENANCE"
    [replica] = catalog.what_can_be_restored(ORIGINAL).replicas
    assert replica["problem"] == "is MAINTENANCE"


@pytest.mark.parametrize(
    "method",
    ["sql.backupRuns.list", "sql.projects.instances.getLatestRecoveryTime", "sql.tiers.list"],
)
def test_what_may_not_be_seen_is_said_and_the_rest_is_shown(gcp: Fake, method: str) -> None:
    gcp.fails(method, answers.DENIED)
    found = catalog.what_can_be_restored(ORIGINAL).document()
    assert len(found["unseen"]) == 1
    assert found["readReplicas"]


@pytest.mark.parametrize(
    ("given", "database"),
    [
        ({"instance": "starforge-prod"}, "postgres"),
        ({"url": "postgresql://app@10.9.0.5:5432/starforge"}, "starforge"),
        ({"url": "postgresql://app@203.0.113.5:5432/starforge"}, "starforge"),
    ],
)
def test_the_original_is_found_by_name_and_by_its_addresses(
    gcp: Fake, given: dict[str, str], database: str
) -> None:
    gcp.admin.instances["starforge-read"]["ipAddresses"] = []
    found = catalog.look_around({"project": "starforge", **given})
    assert found == SOURCE | {"database": database}
    assert Source.model_validate(found)


@pytest.mark.parametrize("given", [{}, {"instance": "nowhere"}, {"instance": "shop"}])
def test_an_unclear_original_is_told_with_those_that_there_are(gcp: Fake, given: dict[str, str]) -> None:
    shop = gcp.admin.instances["starforge-prod"] | {"name": "shop", "databaseVersion": "MYSQL_8_0"}
    gcp.admin.instances["shop"] = shop
    with pytest.raises(Problem, match=r"see: starforge-prod, starforge-read\.") as told:
        catalog.look_around({"project": "starforge", **given})
    assert told.value.name == "cloudsql-instance-unclear"


@pytest.mark.usefixtures("gcp")
def test_the_project_is_the_environments_where_none_is_given() -> None:
    with mock.patch.dict(os.environ, {"GOOGLE_CLOUD_PROJECT": "starforge"}):
        assert catalog.look_around({"instance": "starforge-prod"})["project"] == "starforge"


def test_without_a_project_nothing_is_asked(gcp: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in catalog.PROJECT:
        monkeypatch.delenv(name, raising=False)
    assert named(lambda: catalog.look_around({})) == "gcp-project-missing"
    assert gcp.recorded == []


@pytest.mark.parametrize(
    ("refusal", "name"),
    [
        (answers.EXPIRED, "gcp-credentials-expired"),
        (answers.DENIED, "gcp-denied"),
        (answers.NOT_ENABLED, "gcp-api-off"),
        (answers.THROTTLED, "gcp-throttled"),
        (answers.TOO_MANY, "gcp-throttled"),
        (answers.missing_instance(), "cloudsql-instance-missing"),
        (answers.missing_backup(), "cloudsql-backup-missing"),
        (answers.invalid("Something else."), "gcp-refused"),
    ],
)
def test_refusals_of_google_have_names_of_ours(gcp: Fake, refusal: answers.Refused, name: str) -> None:
    gcp.fails("sql.instances.get", refusal)
    assert named(lambda: CloudSql("starforge").instance("starforge-prod")) == name


def test_throttling_is_waited_out(gcp: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(api, "TRIES", 3)
    monkeypatch.setattr("time.sleep", waits.append)
    gcp.fails("sql.instances.get", answers.THROTTLED, times=3)
    assert CloudSql("starforge").instance("starforge-prod")["name"] == "starforge-prod"
    assert len(waits) == 3


def test_credentials_that_expire_midway_are_told_and_a_new_login_goes_on(gcp: Fake) -> None:
    door = CloudSql("starforge")
    assert door.instance("starforge-prod")
    gcp.fails("sql.instances.get", answers.EXPIRED)
    assert named(lambda: door.instance("starforge-prod")) == "gcp-credentials-expired"
    assert CloudSql("starforge").instance("starforge-prod")


def test_no_credentials_and_no_network_are_told_apart(gcp: Fake) -> None:
    with mock.patch.dict(os.environ):
        del os.environ["GOOGLE_OAUTH_ACCESS_TOKEN"]
        missing = google_wrong.DefaultCredentialsError("none")
        with mock.patch("google.auth.default", side_effect=missing):
            assert named(lambda: CloudSql("starforge")) == "gcp-credentials-missing"
        over = google_wrong.RefreshError("token ya29 expired")
        with mock.patch("google.auth.default", side_effect=over):
            assert named(lambda: CloudSql("starforge")) == "gcp-credentials-expired"
    with mock.patch.dict(os.environ, {"GOOGLE_SQL_CUSTOM_ENDPOINT": "http://127.0.0.1:1/"}):
        assert named(lambda: CloudSql("starforge").instances()) == "gcp-unreachable"


@pytest.mark.parametrize(
    "asked",
    [BY_BACKUP, {"latest": True}, {"time": "2025-12-03T14:57:00Z"}, {"time": "2025-11-26T03:00:00Z"}],
)
@pytest.mark.usefixtures("gcp")
def test_what_can_work_passes(asked: dict[str, Any]) -> None:
    assert require(asked) == (BACKUP if "snapshot" in asked else None)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"time": "2025-12-03T14:57:01Z"}, "is not restorable yet: the latest time is 2025-12-03T14:57:00Z"),
        ({"time": "2025-11-26T02:59:59Z"}, "before the earliest restorable time, 2025-11-26T03:00:00Z"),
    ],
)
@pytest.mark.usefixtures("gcp")
def test_a_time_outside_of_the_window_is_refused(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(Refusal, match=told):
        require(asked)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"status": "RUNNING"}, "cloudsql-backup-unfit"),
        ({"databaseVersion": "POSTGRES_14"}, "cloudsql-backup-unfit"),
        ({"id": "7"}, "cloudsql-backup-missing"),
    ],
)
def test_a_backup_that_cannot_be_restored_is_refused(gcp: Fake, changes: dict[str, Any], name: str) -> None:
    gcp.admin.backups["starforge-prod"][0] |= changes
    assert named(lambda: require(BY_BACKUP)) == name


@pytest.mark.parametrize(
    ("size", "told"),
    [
        ("db-custom-2-7680", "smaller than the original's db-custom-4-15360"),
        ("db-g1-small", "smaller than the original's"),
        ("db-perf-optimized-N-8", "no tier of the original's edition, ENTERPRISE"),
    ],
)
@pytest.mark.usefixtures("gcp")
def test_a_size_is_at_least_the_originals_and_of_its_edition(size: str, told: str) -> None:
    with pytest.raises(Refusal, match=told):
        require({"latest": True}, size=size)
    assert require({"latest": True}, size="db-custom-4-15360") is None
    assert require({"latest": True}, size="db-custom-8-30720") is None


def test_an_original_of_another_engine_is_refused(gcp: Fake) -> None:
    gcp.admin.instances["starforge-prod"]["databaseVersion"] = "MYSQL_8_0"
    assert named(lambda: require({"latest": True})) == "cloudsql-engine-unfit"


@pytest.mark.parametrize(("ago", "free"), [(timedelta(days=1), False), (timedelta(days=8), True)])
def test_a_name_that_is_still_reserved_is_refused_for_a_week(gcp: Fake, ago: timedelta, free: bool) -> None:
    end = (datetime.now(UTC) - ago).isoformat()
    deleted = {"operationType": "DELETE", "targetId": "r", "status": "DONE", "endTime": end}
    gcp.admin.operations.append(deleted)
    if free:
        assert require({"latest": True}) is None
    else:
        assert named(lambda: require({"latest": True})) == "cloudsql-name-reserved"


def test_an_instance_whose_backup_was_never_restored_is_refused_until_it_is_torn_down(gcp: Fake) -> None:
    """The provider's create fails after it made the instance: the engine would hold it for whole."""
    own = gcp.admin.instances["starforge-prod"]["settings"] | {"userLabels": {"reforge-restore": "r"}}
    gcp.admin.instances["r"] = gcp.admin.instances["starforge-prod"] | {"name": "r", "settings": own}
    failed = {"operationType": "RESTORE_VOLUME", "targetId": "r", "status": "DONE", "error": {"errors": []}}
    gcp.admin.operations.append(failed | {"error": {"errors": [{"code": "INTERNAL"}]}})
    assert named(lambda: made(BY_BACKUP)) == "cloudsql-half-made"
    assert made(BY_BACKUP, release=True, **{"final-snapshot": "none"})["name"] == "r"
    gcp.admin.operations.append({"operationType": "RESTORE_VOLUME", "targetId": "r", "status": "DONE"})
    assert made(BY_BACKUP)["name"] == "r"


@pytest.mark.parametrize("refusal", [answers.DENIED, answers.missing_instance()])
def test_a_name_of_which_nothing_is_told_was_never_used(gcp: Fake, refusal: answers.Refused) -> None:
    """Google says of what is not there also that one may not see it."""
    gcp.fails("sql.operations.list", refusal)
    assert require({"latest": True}) is None


def test_operations_that_cannot_be_read_for_now_are_no_proof(gcp: Fake) -> None:
    gcp.fails("sql.operations.list", answers.TOO_MANY)
    assert named(lambda: require({"latest": True})) == "gcp-throttled"


def test_an_instance_is_ours_by_its_label_or_as_a_clone_that_has_none_yet(gcp: Fake) -> None:
    assert made({"latest": True}) is None
    gcp.admin.instances["r"] = gcp.admin.instances["starforge-prod"] | {"name": "r"}
    assert named(lambda: made({"latest": True})) == "cloudsql-name-taken"
    gcp.admin.operations.append({"operationType": "CREATE_CLONE", "targetId": "r", "status": "DONE"})
    assert made({"latest": True})["name"] == "r"
    gcp.fails("sql.instances.list", answers.DENIED)
    assert named(lambda: made({"latest": True})) == "gcp-denied"


@pytest.mark.parametrize(
    ("config", "operators", "told"),
    [
        ({"ipv4Enabled": True}, ["2001:db8::/64"], "IPv4 networks only, and 2001:db8::/64 is none"),
        ({"pscConfig": {"pscEnabled": True}}, [], "Private Service Connect"),
    ],
)
@pytest.mark.usefixtures("gcp")
def test_operators_that_could_not_be_let_in_are_told(
    config: dict[str, Any], operators: list[str], told: str
) -> None:
    like = CloudSql("starforge").instance("starforge-prod")
    like["settings"]["ipConfiguration"] = config
    with pytest.raises(Refusal, match=told):
        gates.require_reachable(operators, like)


@pytest.mark.usefixtures("gcp")
def test_operators_of_either_family_reach_an_original_that_is_private() -> None:
    like = CloudSql("starforge").instance("starforge-prod")
    like["settings"]["ipConfiguration"] = {"ipv4Enabled": False, "privateNetwork": "n"}
    gates.require_reachable(["2001:db8::/64"], like)
