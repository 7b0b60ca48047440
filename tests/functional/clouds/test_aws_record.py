"""``aws:Record`` against moto: exactly what was read is exchanged."""

from __future__ import annotations

from typing import Any

import pytest

from dbrestore.aws.record import AwsRecordInputs, Record
from dbrestore.handler import State
from problem import Problem, Refusal
from tests.functional.clouds.calls import HERE, Killed, calls, killed
from tests.support.aws.cloud import Cloud

pytestmark = pytest.mark.clouds
NAME = "db.starforge.example"


class HostedZone:
    """The zone as its owner sees it."""

    def __init__(self, aws: Cloud) -> None:
        self.client = aws.client("route53")
        made = self.client.create_hosted_zone(Name="starforge.example", CallerReference="1")
        self.id = made["HostedZone"]["Id"].rpartition("/")[2]
        self.put("old.example", 20)

    def put(self, host: str, ttl: int, **more: Any) -> None:
        record = {"Name": NAME, "Type": "CNAME", "TTL": ttl, "ResourceRecords": [{"Value": host}], **more}
        changes = [{"Action": "UPSERT", "ResourceRecordSet": record}]
        self.client.change_resource_record_sets(HostedZoneId=self.id, ChangeBatch={"Changes": changes})

    @property
    def now(self) -> tuple[str, int]:
        listed = self.client.list_resource_record_sets(HostedZoneId=self.id)["ResourceRecordSets"]
        [found] = [one for one in listed if one["Type"] == "CNAME"]
        return found["ResourceRecords"][0]["Value"], found["TTL"]


@pytest.fixture
def zone(aws: Cloud) -> HostedZone:
    return HostedZone(aws)


def want(zone: HostedZone, host: str | None = None) -> AwsRecordInputs:
    return AwsRecordInputs(zone=zone.id, name=NAME, host=host, port=5432)


def create(zone: HostedZone) -> State:
    return Record().create(HERE, want(zone))[1]


def update(zone: HostedZone, state: State, host: str | None = None) -> State:
    return Record().update(HERE, "", state, want(zone, host))


def test_a_record_goes_there_and_comes_back(zone: HostedZone) -> None:
    state = update(zone, create(zone), "new.example")
    assert zone.now == ("new.example", 20)
    update(zone, state)
    assert zone.now == ("old.example", 20)


def test_exactly_what_was_read_is_deleted_in_the_batch_that_makes_the_new_one(zone: HostedZone) -> None:
    asked: list[Any] = []
    state = create(zone)
    with calls(before={"ChangeResourceRecordSets": asked.append}):
        update(zone, state, "new.example")
    [change] = asked
    deleted, made = change["ChangeBatch"]["Changes"]
    assert (deleted["Action"], deleted["ResourceRecordSet"]["ResourceRecords"]) == (
        "DELETE",
        [{"Value": "old.example"}],
    )
    assert (made["Action"], made["ResourceRecordSet"]["ResourceRecords"]) == (
        "CREATE",
        [{"Value": "new.example"}],
    )


def test_a_record_changed_by_someone_else_is_refused_and_nothing_is_written(zone: HostedZone) -> None:
    state = create(zone)
    zone.put("theirs.example", 20)
    with calls() as made, pytest.raises(Refusal, match="CNAME was changed"):
        update(zone, state, "new.example")
    assert set(made) == {"ListResourceRecordSets"}


def test_a_kill_between_change_and_return_changes_nothing_twice(zone: HostedZone) -> None:
    state = create(zone)
    with calls(after={"ChangeResourceRecordSets": killed}), pytest.raises(Killed):
        update(zone, state, "new.example")
    with calls() as made:
        assert update(zone, state, "new.example")["original"] == "old.example"
    assert "ChangeResourceRecordSets" not in made


def test_a_routed_record_is_refused_before_anything_is_done(zone: HostedZone) -> None:
    zone.put("other.example", 20, SetIdentifier="blue", Weight=10)
    with pytest.raises(Problem, match="weighted or otherwise routed"):
        create(zone)


def test_a_record_that_is_not_there_is_told_and_gone_for_a_refresh(zone: HostedZone) -> None:
    absent = AwsRecordInputs(zone=zone.id, name="other.starforge.example", port=5432)
    with pytest.raises(Problem, match=r"no record other\.starforge\.example CNAME"):
        Record().create(HERE, absent)
    assert Record().read(HERE, "", absent.wire()) is None
