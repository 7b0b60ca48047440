"""A read replica in Cloud SQL is looked at until the cut-over, promoted once, and never deleted by us."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dbrestore.cloudsql import replica as room
from dbrestore.cloudsql.promotion import Promotion, PromotionInputs
from dbrestore.handler import Context
from problem import Problem, Refusal
from tests.support.cloudsql.original import project
from tests.support.cloudsql.server import Call, CloudSql, cloud_sql

pytestmark = pytest.mark.clouds


@pytest.fixture
def gcp(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudSql]:
    monkeypatch.setattr(room, "PAUSE_SECONDS", 0.0)
    with cloud_sql(project()) as here:
        yield here
        assert here.touched("starforge-prod") == []


class Run:
    """The handler as the engine calls it, with what it told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.context = Context("urn", progress=self.said.append, note=self.said.append)
        self.handler = Promotion()


def inputs(promote: bool, replica: str = "starforge-read", **more: Any) -> PromotionInputs:
    place = {"source": "starforge-prod", "project": "starforge", "address": "PRIVATE"} | more
    return PromotionInputs.model_validate({"name": "r", "replica": replica, "promote": promote} | place)


def changing(gcp: CloudSql) -> list[Call]:
    return [call for call in gcp.recorded if call.changes]


def test_it_is_only_looked_at_until_the_cut_over(gcp: CloudSql) -> None:
    run = Run()
    run.handler.examine(run.context, inputs(False))
    identity, state = run.handler.create(run.context, inputs(False))
    assert identity == "starforge-read"
    assert (state["host"], state["boundPort"], state["promoted"]) == ("10.9.0.6", 5432, False)
    run.handler.delete(run.context, identity, state)
    assert "is forgotten and stays as it is" in run.said[-1]
    assert changing(gcp) == []


def test_it_is_promoted_once_gets_backups_and_stays_so_after_a_rollback(gcp: CloudSql) -> None:
    gcp.admin.instances["starforge-read"]["settings"]["backupConfiguration"] = {"enabled": False}
    run = Run()
    identity, state = run.handler.create(run.context, inputs(False))
    for promote in (True, True, False):
        state = run.handler.update(run.context, identity, state, inputs(promote))
        assert state["promoted"]
    promoted, backups = changing(gcp)
    assert (promoted.method, promoted.path["instance"]) == ("sql.instances.promoteReplica", "starforge-read")
    assert (backups.method, backups.path["instance"]) == ("sql.instances.patch", "starforge-read")
    assert backups.body["settings"]["backupConfiguration"]["pointInTimeRecoveryEnabled"]
    assert run.handler.read(run.context, identity, state) == state
    run.handler.examine(run.context, inputs(True))


def test_an_original_without_backups_lends_none(gcp: CloudSql) -> None:
    for instance in gcp.admin.instances.values():
        instance["settings"]["backupConfiguration"] = {"enabled": False}
    run = Run()
    run.handler.create(run.context, inputs(True))
    assert [call.method for call in changing(gcp)] == ["sql.instances.promoteReplica"]


@pytest.mark.parametrize(
    ("replica", "name"), [("nowhere", "cloudsql-replica-missing"), ("shop-read", "cloudsql-replica-unfit")]
)
def test_what_is_no_replica_of_the_original_is_refused_in_the_preview(
    gcp: CloudSql, replica: str, name: str
) -> None:
    other = gcp.admin.instances["starforge-read"] | {"name": "shop-read"}
    gcp.admin.instances["shop-read"] = other | {"masterInstanceName": "starforge:shop"}
    run = Run()
    with pytest.raises(Refusal) as refused:
        run.handler.examine(run.context, inputs(False, replica))
    assert refused.value.name == name
    assert changing(gcp) == []


def test_a_replica_that_does_not_run_is_not_promoted(gcp: CloudSql) -> None:
    gcp.admin.instances["starforge-read"]["state"] = "MAINTENANCE"
    run = Run()
    with pytest.raises(Refusal, match="cannot be promoted as it is: MAINTENANCE"):
        run.handler.create(run.context, inputs(True))
    assert changing(gcp) == []


def test_a_promotion_that_fails_says_what_cloud_sql_says(gcp: CloudSql) -> None:
    gcp.admin.endings["PROMOTE_REPLICA"] = "The replica is broken."
    run = Run()
    with pytest.raises(Problem, match=r"The replica is broken\.") as failed:
        run.handler.create(run.context, inputs(True))
    assert failed.value.name == "cloudsql-promotion-failed"


def test_a_promotion_that_never_ends_has_a_named_state_and_is_not_asked_for_again(gcp: CloudSql) -> None:
    gcp.admin.endings["PROMOTE_REPLICA"] = "never"
    instance, run = inputs(True).instance, Run()
    run.context.cancelled.set()
    with pytest.raises(Problem, match="cannot be taken back"):
        run.handler.create(run.context, inputs(True))
    with pytest.raises(Problem, match="cannot be taken back"):
        run.handler.create(run.context, inputs(True))
    assert [call.method for call in changing(gcp)] == ["sql.instances.promoteReplica"], "once"
    clock = iter(range(0, 100_000, 600))
    with pytest.raises(Problem) as stuck:
        instance.wait(Context("urn"), now=lambda: float(next(clock)))
    assert stuck.value.name == "cloudsql-promotion-stuck"
