"""What is refused in the preview of a restore in RDS, before anything is made."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from problem import Problem, Refusal
from stacks.providers.aws_rds import gates
from stacks.providers.aws_rds.settings import Restore, Source
from tests.unit.stacks.examples import VALIDATED
from tests.unit.stacks.rds import SNAPSHOT, SOURCE, StandIn

SNAPSHOT_ASKED: dict[str, Any] = {"snapshot": "before-migration"}
DENIED = Problem("aws-denied", "may not")


def require(aws: StandIn, asked: dict[str, Any], **more: Any) -> Any:
    restore = Restore.model_validate({"from": asked, **more})
    source = Source.model_validate(SOURCE)
    like = aws.records["starforge-prod"]
    return gates.require("r", restore, source, like, aws)  # type: ignore[arg-type]  # the stand-in


@pytest.mark.parametrize(
    "asked",
    [SNAPSHOT_ASKED, {"latest": True}, {"time": "2025-12-03T15:00:00Z"}, {"time": "2025-11-26T03:00:00Z"}],
)
def test_what_can_work_passes(asked: dict[str, Any]) -> None:
    assert require(StandIn(), asked) == (SNAPSHOT if "snapshot" in asked else None)


@pytest.mark.parametrize(
    ("changes", "asked", "name", "told"),
    [
        ({}, {"time": "2025-12-03T15:00:01Z"}, "rds-outside-window", "is not restorable yet"),
        ({}, {"time": "2025-11-26T02:59:59Z"}, "rds-outside-window", "before the earliest restorable time"),
        ({"BackupRetentionPeriod": 0}, {"latest": True}, "rds-outside-window", "no automated backups"),
        ({"Engine": "mysql"}, SNAPSHOT_ASKED, "rds-engine-unfit", "runs mysql"),
        ({"DBClusterIdentifier": "c"}, SNAPSHOT_ASKED, "rds-engine-unfit", "only RDS for PostgreSQL"),
    ],
)
def test_what_cannot_work_is_refused(changes: Any, asked: Any, name: str, told: str) -> None:
    with pytest.raises(Refusal, match=told) as refused:
        require(StandIn(**changes), asked)
    assert refused.value.name == name


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"Status": "creating", "PercentProgress": 40}, r"is creating \(40 %\)"),
        ({"Engine": "mysql"}, "is of mysql"),
    ],
)
def test_a_snapshot_that_cannot_be_restored_is_refused(changes: dict[str, Any], told: str) -> None:
    aws = StandIn()
    aws.snapshots_known["before-migration"] |= changes
    with pytest.raises(Refusal, match=told) as refused:
        require(aws, SNAPSHOT_ASKED)
    assert refused.value.name == "rds-snapshot-unfit"


def test_a_snapshot_of_another_region_is_refused_also_where_the_config_names_none() -> None:
    arn = "arn:aws:rds:us-east-1:123456789012:snapshot:monday"
    with pytest.raises(Refusal, match="lies in us-east-1"):
        require(StandIn(), {"snapshot": arn})


@pytest.mark.parametrize(
    ("size", "told"),
    [("db.r6g.large", "smaller than the original's"), ("db.r9z.2xlarge", "RDS offers no db.r9z.2xlarge")],
)
def test_a_size_is_at_least_the_originals_and_on_offer(size: str, told: str) -> None:
    with pytest.raises(Refusal, match=told) as refused:
        require(StandIn(), SNAPSHOT_ASKED, size=size)
    assert refused.value.name == "rds-size-unfit"
    assert require(StandIn(), SNAPSHOT_ASKED, size="db.r6g.2xlarge")


@pytest.mark.parametrize(
    ("quota", "told"),
    [
        ({"DBInstances": (40, 40)}, "40 of 40 are used"),
        ({"AllocatedStorage": (99600, 100000)}, "needs 500 GiB more"),
    ],
)
def test_a_quota_that_is_reached_is_told_before_the_wait(quota: Any, told: str) -> None:
    aws = StandIn()
    aws.quota = quota
    with pytest.raises(Refusal, match=told) as refused:
        require(aws, SNAPSHOT_ASKED)
    assert refused.value.name == "rds-quota-reached"


def test_quotas_that_may_not_be_seen_stop_nobody() -> None:
    aws = StandIn()
    aws.quota = DENIED
    assert require(aws, SNAPSHOT_ASKED)
    aws.quota = Problem("aws-throttled", "later")
    with pytest.raises(Problem, match="later"):
        require(aws, SNAPSHOT_ASKED)


def with_cron(**changes: Any) -> StandIn:
    aws = StandIn(**changes)
    aws.libraries = {"pg_stat_statements", "pg_cron"}
    return aws


@pytest.mark.parametrize("asked", [SNAPSHOT_ASKED, {"latest": True}])
def test_jobs_that_would_run_in_the_restore_are_told_and_the_way_on_is_a_group(asked: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match=r"starforge-15 loads pg_cron(?s:.)*--with parameter-group=") as refused:
        require(with_cron(), asked)
    assert refused.value.name == "rds-cron-jobs"
    for group in ("starforge-15-quiet", "starforge-15"):
        require(with_cron(), asked, **{"parameter-group": group})


def test_no_jobs_come_with_a_dump_or_a_group_of_rds_own_and_what_is_accepted_may_run_them() -> None:
    require(with_cron(), {"dump": "s3://starforge-dumps/app.dump"})
    require(with_cron(), SNAPSHOT_ASKED, validated=VALIDATED)
    require(with_cron(DBParameterGroups=[{"DBParameterGroupName": "default.postgres15"}]), SNAPSHOT_ASKED)


def test_parameters_that_may_not_be_seen_stop_nobody_and_that_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws = StandIn()
    aws.libraries = DENIED
    assert require(aws, SNAPSHOT_ASKED)
    assert "starforge-15 may load pg_cron" in capsys.readouterr().err


def test_the_window_of_an_instance_that_rds_tells_no_beginning_of() -> None:
    latest = datetime(2025, 12, 3, tzinfo=UTC)
    assert gates.window([], {"BackupRetentionPeriod": 7, "LatestRestorableTime": latest}) == (None, latest)
    assert gates.window([], {"BackupRetentionPeriod": 0}) == (None, None)
