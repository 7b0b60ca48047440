"""What the config may say about Cloud SQL, and what its provider's failures are called."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.model import parse
from stacks.providers.gcp_cloudsql.faults import named
from stacks.providers.gcp_cloudsql.settings import Source, backup_of, cpus, is_plus
from tests.support.cloudsql.original import SOURCE, cloudsql_config
from tests.unit.stacks.examples import VALIDATED, the_line

LONG_PROJECT = "a" * 30
LATEST = {"latest": True}


def one(asked: dict[str, Any], **more: Any) -> dict[str, Any]:
    return cloudsql_config({"r": {"from": asked, **more}})


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (
            one({"time": "2025-12-03T14:23:00Z", "inclusive": False}),
            "reforge:restores.r: `inclusive: false` is not possible: Cloud SQL restores to the given time",
        ),
        (
            one({"snapshot": "before-migration"}),
            "reforge:restores.r.from: snapshot: 'before-migration' is no backup of Cloud SQL; write its ID",
        ),
        (one({"lsn": "0/1"}), "reforge:restores.r.from: this provider does not restore from a lsn yet"),
        (
            one({"replica": "starforge-prod"}),
            "reforge:restores.r.from.replica: is the original itself; name its read replica",
        ),
        (
            one({"replica": "starforge-read", "fence": True}),
            "reforge:restores.r: `fence` and `accept-loss` are not possible",
        ),
        (
            one({"replica": "starforge-read"}, size="db-custom-8-30720"),
            "reforge:restores.r: `size` and `zone` have no meaning with replica",
        ),
        (one(LATEST, size="4xlarge"), "reforge:restores.r.size: "),
        (one(LATEST, zone="europe-west3"), "reforge:restores.r.zone: "),
        (
            one(LATEST, **{"release": True, "final-snapshot": "last", "final-backup-days": 366}),
            "reforge:restores.r.final-backup-days: ",
        ),
        (
            one(LATEST, release=True),
            "reforge:restores.r: `release` needs `final-snapshot`: a name for it, or none",
        ),
        (
            cloudsql_config({"starforge-prod": {"from": LATEST}}),
            "reforge:restores.starforge-prod: is an instance that exists; a restore is always a new one",
        ),
        (
            cloudsql_config(
                {"r" * 63: {"from": LATEST}}, source=SOURCE | {"project": f"example.com:{LONG_PROJECT}"}
            ),
            f"reforge:restores.{'r' * 63}: is too long for example.com:{LONG_PROJECT}: at most 55",
        ),
        (cloudsql_config({}, source=SOURCE | {"project": "Starforge"}), "reforge:source.project: "),
        (cloudsql_config({}, source=SOURCE | {"instance": "Prod_1"}), "reforge:source.instance: "),
        (
            cloudsql_config(
                {"r": {"from": LATEST, "validated": VALIDATED, "release": True, "final-snapshot": "none"}},
                serving="r",
            ),
            "reforge:restores.r.release: it serves; a serving restore keeps its protections",
        ),
    ],
)
def test_a_wrong_value_is_told(raw: dict[str, Any], told: str) -> None:
    assert the_line(raw).startswith(told)


def test_the_place_of_a_restore_is_its_instance() -> None:
    place = parse(one(LATEST)).source.place_of("r")
    assert place == ("gcp:sql/databaseInstance:DatabaseInstance", "projects/starforge/instances/r")


def test_a_backup_is_the_originals_unless_it_names_another() -> None:
    source = Source.model_validate(SOURCE)
    assert backup_of("7", source) == ("starforge", "starforge-prod", 7)
    assert backup_of("projects/p/instances/i/backupRuns/8", source) == ("p", "i", 8)


@pytest.mark.parametrize(
    ("tier", "count"),
    [
        ("db-custom-4-15360", 4),
        ("db-perf-optimized-N-16", 16),
        ("db-custom-N4-8-32768", 8),
        ("db-n1-standard-2", 2),
        ("db-c4a-highmem-4", 4),
        ("db-f1-micro", 0),
    ],
)
def test_a_tier_tells_its_cpus(tier: str, count: int) -> None:
    assert cpus(tier) == count


def test_a_tier_tells_its_edition() -> None:
    assert is_plus("db-perf-optimized-N-16")
    assert not is_plus("db-custom-4-15360")


GOOGLE = (
    "googleapi: Error 409: The Cloud SQL instance already exists. When you delete an instance, you can't "
)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (f"{GOOGLE}reuse the name of the deleted instance., instanceAlreadyExists", "cloudsql-name-reserved"),
        (
            "creating DatabaseInstance: timeout while waiting for state to become 'DONE'",
            "cloudsql-operation-unfinished",
        ),
        (
            "googleapi: Error 403: max instance per project limit, instanceLimitExceeded",
            "cloudsql-quota-reached",
        ),
        ("googleapi: Error 404: The backup run does not exist., notFound", "cloudsql-backup-missing"),
        ("googleapi: Error 403: Quota exceeded., rateLimitExceeded", "gcp-throttled"),
        ('oauth2: "invalid_grant" "reauth related error"', "gcp-credentials-expired"),
        ("googleapi: Error 400: Invalid request., invalid", None),
        ("operation error RDS: CreateDBInstance: rateLimitExceeded", None),
    ],
)
def test_the_providers_failures_have_names_of_ours(said: str, name: str | None) -> None:
    found = named(said)
    assert (found.name if found else None) == name
    if found:
        assert found.what == said
        assert found.cure
