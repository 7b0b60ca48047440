"""A read replica in RDS is looked at until the cut-over, promoted once, and never deleted by us."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar
from unittest import mock

import pytest
from pydantic import PrivateAttr

from dbrestore.handler import Context
from dbrestore.rds import replica as room
from dbrestore.rds.promotion import Promotion, PromotionInputs
from problem import Problem, Refusal
from tests.support.aws.cloud import REGION, TESTS_OWN, Call, Cloud, cloud, touched

COMMON: dict[str, Any] = {
    "DBInstanceClass": "db.t3.large",
    "Engine": "postgres",
    "AllocatedStorage": 20,
    "MasterUsername": "master",
    "MasterUserPassword": "correct-horse",
    "BackupRetentionPeriod": 7,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with cloud(tmp_path_factory.mktemp("aws")) as here:
        rds = here.client("rds")
        for name in ("prod", "shop"):
            rds.create_db_instance(DBInstanceIdentifier=name, **COMMON)
            for replica in (f"{name}-read", f"{name}-other"):
                rds.create_db_instance_read_replica(
                    DBInstanceIdentifier=replica, SourceDBInstanceIdentifier=name
                )
        yield here


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PAUSE_SECONDS", 0.0)


@pytest.fixture
def aws(site: Cloud, quick: None) -> Iterator[Cloud]:
    site.forget()
    yield site
    assert not touched(site.recorded, "prod")


class Run:
    """The handler as the engine calls it, with what it told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.context = Context("urn", progress=self.said.append, note=self.said.append)
        self.handler = Promotion()


def inputs(promote: bool, replica: str) -> PromotionInputs:
    return PromotionInputs(name="r", replica=replica, source="prod", region=REGION, promote=promote)


def ours(aws: Cloud) -> list[Call]:
    return [call for call in aws.recorded if call.changes and call.key != TESTS_OWN]


def test_it_is_only_looked_at_until_the_cut_over(aws: Cloud) -> None:
    run = Run()
    run.handler.examine(run.context, inputs(False, "prod-read"))
    identity, state = run.handler.create(run.context, inputs(False, "prod-read"))
    assert identity == "prod-read"
    assert not state["promoted"]
    assert state["host"].startswith("prod-read.")
    run.handler.delete(run.context, identity, state)
    assert "is forgotten and stays as it is" in run.said[-1]
    assert ours(aws) == []


def test_it_is_promoted_once_and_stays_so_after_a_rollback(aws: Cloud) -> None:
    run = Run()
    identity, state = run.handler.create(run.context, inputs(False, "prod-other"))
    for promote in (True, True, False):
        state = run.handler.update(run.context, identity, state, inputs(promote, "prod-other"))
        assert state["promoted"]
    [call] = ours(aws)
    assert call.action == "PromoteReadReplica"
    assert call.parameters["DBInstanceIdentifier"] == "prod-other"
    assert call.parameters["BackupRetentionPeriod"] != "0", "it begins to keep backups at once"
    read = run.handler.read(run.context, identity, state)
    assert read == state
    run.handler.examine(run.context, inputs(True, "prod-other"))


@pytest.mark.parametrize(
    ("replica", "name"), [("nowhere", "rds-replica-missing"), ("shop-read", "rds-replica-unfit")]
)
def test_what_is_no_replica_of_the_original_is_refused_in_the_preview(
    aws: Cloud, replica: str, name: str
) -> None:
    run = Run()
    with pytest.raises(Refusal) as refused:
        run.handler.examine(run.context, inputs(False, replica))
    assert refused.value.name == name
    assert ours(aws) == []


REPLICA = {"DBInstanceStatus": "available", "ReadReplicaSourceDBInstanceIdentifier": "prod"}
BUSY = REPLICA | {"DBInstanceStatus": "backing-up"}
PROMOTED = {"DBInstanceStatus": "available"}
SLOW = [REPLICA, REPLICA | {"DBInstanceStatus": "modifying"}, {"DBInstanceStatus": "rebooting"}]


class Told(room.Replica):
    """One that RDS is at work on, as moto never is: what is told of it each time, and what it is asked."""

    answers: ClassVar[list[dict[str, Any]]]
    asked: ClassVar[list[str]]

    def look(self) -> dict[str, Any]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def _retention(self) -> int:
        return 7

    @property
    def _client(self) -> Any:
        return mock.Mock(promote_read_replica=lambda **_: self.asked.append("promote"))


def told(*answers: dict[str, Any]) -> Told:
    return type("Told", (Told,), {"answers": [*answers], "asked": []})("prod-read", "prod", REGION)


class ToldInputs(PromotionInputs):
    """Inputs whose replica is that of a test."""

    _told: Told = PrivateAttr()

    @property
    def instance(self) -> Told:
        return self._told


def brought(run: Run, replica: Told) -> dict[str, Any]:
    asked = ToldInputs(name="r", replica="prod-read", source="prod", region=REGION, promote=True)
    asked._told = replica
    run.handler.examine(run.context, asked)
    return run.handler.update(run.context, "prod-read", {}, asked)


@pytest.mark.usefixtures("quick")
def test_a_promotion_is_waited_for_beyond_the_answer_of_the_call() -> None:
    run, replica = Run(), told(REPLICA, REPLICA, *SLOW, PROMOTED)
    assert brought(run, replica)["promoted"]
    assert replica.asked == ["promote"]
    assert [line.rpartition(" ")[2] for line in run.said] == [
        "promoted",
        "available",
        "modifying",
        "rebooting",
    ]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("status", ["backing-up", "modifying", "storage-optimization", "rebooting"])
def test_what_rds_does_besides_is_waited_for_and_then_it_is_promoted(status: str) -> None:
    busy = REPLICA | {"DBInstanceStatus": status}
    replica = told(busy, busy, busy, REPLICA, *SLOW, PROMOTED)
    assert brought(Run(), replica)["promoted"]
    assert replica.asked == ["promote"]


@pytest.mark.usefixtures("quick")
def test_a_promotion_that_an_earlier_run_asked_for_is_waited_for_and_not_asked_for_again() -> None:
    under_way = REPLICA | {"DBInstanceStatus": "modifying", "StatusInfos": [{"Normal": False}]}
    replica = told(under_way, under_way, under_way, {"DBInstanceStatus": "rebooting"}, PROMOTED)
    assert brought(Run(), replica)["promoted"]
    assert replica.asked == []


@pytest.mark.usefixtures("quick")
def test_what_is_not_well_once_rds_is_done_with_it_is_not_promoted() -> None:
    replica = told(BUSY, BUSY, REPLICA | {"DBInstanceStatus": "storage-full"})
    with pytest.raises(Refusal, match="cannot be promoted as it is: storage-full"):
        brought(Run(), replica)
    assert replica.asked == []


@pytest.mark.usefixtures("quick")
def test_a_promotion_that_never_ends_has_a_named_state() -> None:
    clock = iter(range(0, 100_000, 600))
    with pytest.raises(Problem, match="is not promoted after 60 minutes") as stuck:
        told(REPLICA).promote(REPLICA, Run().context, now=lambda: float(next(clock)))
    assert stuck.value.name == "rds-promotion-stuck"
    with pytest.raises(
        Problem, match="is still backing-up after 60 minutes; its promotion was not asked for"
    ) as stuck:
        told(BUSY).wait(Run().context, now=lambda: float(next(clock)))
    assert stuck.value.name == "rds-promotion-stuck"
    with pytest.raises(Problem) as failed:
        told({"DBInstanceStatus": "storage-full"}).wait(Run().context)
    assert failed.value.name == "rds-promotion-failed"


@pytest.mark.usefixtures("quick")
def test_an_interrupt_tells_whether_the_promotion_was_asked_for() -> None:
    run = Run()
    run.context.cancelled.set()
    with pytest.raises(Problem, match="cannot be taken back"):
        told(*SLOW).promote(REPLICA, run.context)
    with pytest.raises(Problem, match="is backing-up; its promotion was not asked for") as stopped:
        told(BUSY).wait(run.context)
    assert stopped.value.name == "interrupted"


@pytest.mark.parametrize(
    "changes",
    [{"DBInstanceStatus": "stopped"}, {"StatusInfos": [{"Normal": False, "Status": "error"}]}],
)
def test_a_replica_that_is_not_well_is_not_promoted(changes: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="cannot be promoted as it is"):
        told().require_promotable(REPLICA | changes)
