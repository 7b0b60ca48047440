"""ECS services and Lambda event sources against moto: paused, canary, and back to what there was."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import pytest

from dbrestore.aws.events import EventSources, EventSourcesInputs
from dbrestore.aws.service import Service, ServiceInputs
from dbrestore.handler import State
from problem import Problem, Refusal
from tests.functional.clouds.calls import HERE, Killed, calls, killed
from tests.support.aws.cloud import Cloud

pytestmark = pytest.mark.clouds


class Fargate:
    """A service of six tasks, as its owner sees it."""

    def __init__(self, aws: Cloud) -> None:
        self.client = aws.client("ecs")
        self.client.create_cluster(clusterName="starforge")
        container = {"name": "etl", "image": "etl", "memory": 128}
        self.client.register_task_definition(family="etl", containerDefinitions=[container])
        asked = {"cluster": "starforge", "serviceName": "etl", "taskDefinition": "etl"}
        self.client.create_service(**asked, desiredCount=0)
        self.scale(6)

    def scale(self, count: int) -> None:
        self.client.update_service(cluster="starforge", service="etl", desiredCount=count)

    @property
    def now(self) -> dict[str, Any]:
        asked = {"cluster": "starforge", "services": ["etl"], "include": ["TAGS"]}
        found: dict[str, Any] = self.client.describe_services(**asked)["services"][0]
        return found

    @property
    def count(self) -> int:
        return int(self.now["desiredCount"])


@pytest.fixture
def fargate(aws: Cloud) -> Fargate:
    return Fargate(aws)


def tasks(desired: str, **more: Any) -> ServiceInputs:
    return ServiceInputs.model_validate({"cluster": "starforge", "service": "etl", "desired": desired} | more)


def turned(state: State, desired: str, **more: Any) -> State:
    return Service().update(HERE, "", state, tasks(desired, **more))


def test_a_service_is_paused_tried_and_brought_back_to_what_there_was(fargate: Fargate) -> None:
    with calls() as made:
        state = Service().create(HERE, tasks("all"))[1]
    assert set(made) == {"DescribeServices"}, "recording the original changes nothing"
    counts = []
    for desired in ("none", "canary", "all"):
        state = turned(state, desired)
        counts.append(fargate.count)
    assert counts == [0, 1, 6]
    assert fargate.now.get("tags", []) == []


def test_a_service_scaled_by_its_owner_before_the_pause_comes_back_to_that(fargate: Fargate) -> None:
    state = Service().create(HERE, tasks("all"))[1]
    fargate.scale(8)
    turned(turned(state, "none"), "all")
    assert fargate.count == 8


def test_a_pause_that_was_killed_does_not_take_zero_for_the_original(fargate: Fargate) -> None:
    with calls(after={"UpdateService": killed}), pytest.raises(Killed):
        Service().create(HERE, tasks("none"))
    state = Service().create(HERE, tasks("none"))[1]
    assert state["original"] == "6"
    turned(state, "all")
    assert fargate.count == 6
    with calls(after={"UpdateService": killed}), pytest.raises(Killed):
        turned(state | {"desired": "all", "running": "6"}, "none")
    assert turned(state | {"desired": "all", "running": "6"}, "none")["original"] == "6"


def test_a_service_that_somebody_started_in_a_pause_is_refused(fargate: Fargate) -> None:
    state = Service().create(HERE, tasks("none"))[1]
    fargate.scale(3)
    with pytest.raises(Refusal, match="the count of tasks of the service etl"):
        turned(state, "canary")


def test_a_pause_that_autoscaling_would_undo_is_refused_until_that_is_suspended(
    aws: Cloud, fargate: Fargate
) -> None:
    scaling = aws.client("application-autoscaling")
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/starforge/etl",
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 2,
        "MaxCapacity": 9,
    }
    scaling.register_scalable_target(**target)
    state = Service().create(HERE, tasks("all"))[1]
    with pytest.raises(Refusal, match="would raise it above 0 tasks again") as caught:
        turned(state, "none")
    assert (caught.value.name, fargate.count) == ("autoscaling-fights", 6)
    assert (
        "--suspended-state DynamicScalingOutSuspended=true,ScheduledScalingSuspended=true"
        in caught.value.cure
    )
    suspended = {"DynamicScalingOutSuspended": True, "ScheduledScalingSuspended": True}
    scaling.register_scalable_target(**target, SuspendedState=suspended)
    turned(state, "none")
    assert fargate.count == 0


def test_running_tasks_that_know_another_database_are_replaced(fargate: Fargate) -> None:
    state = Service().create(HERE, tasks("all", database="old:5432"))[1]
    with calls() as made:
        state = turned(state, "all", database="new:5432")
    assert made.count("UpdateService") == 1
    state = turned(state, "none", database="new:5432")
    with calls() as made:
        turned(state, "none", database="old:5432")
    assert "UpdateService" not in made, "nothing runs that could know another"


def test_tasks_that_do_not_settle_are_told_in_their_time_box(
    fargate: Fargate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dbrestore.aws.service.DesiredCount._settled", lambda _self: False)
    Service().create(HERE, tasks("all", timeout=1e-9))  # at rest nothing is waited for
    with pytest.raises(Problem) as caught:
        Service().create(HERE, tasks("none", timeout=1e-9))
    assert caught.value.name == "tasks-not-settled"


def test_a_service_that_is_not_there_is_told_and_gone_for_a_refresh(fargate: Fargate) -> None:
    with pytest.raises(Problem, match="no ECS service api"):
        Service().create(HERE, tasks("all", service="api"))
    assert Service().read(HERE, "", tasks("all", service="api").wire()) is None


class Function:
    """A function with two queues on and one off, as its owner sees it."""

    def __init__(self, aws: Cloud) -> None:
        iam, sqs, self.client = aws.client("iam"), aws.client("sqs"), aws.client("lambda")
        role = iam.create_role(RoleName="etl", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17"}))
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("etl.py", "")
        self.client.create_function(
            FunctionName="etl",
            Runtime="python3.12",
            Role=role["Role"]["Arn"],
            Handler="etl.run",
            Code={"ZipFile": code.getvalue()},
        )
        self.arns: dict[str, str] = {}
        for number, on in enumerate([True, True, False]):
            url = sqs.create_queue(QueueName=f"q{number}")["QueueUrl"]
            asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
            self._map(asked["QueueArn"], on)

    def _map(self, queue: str, on: bool = True) -> str:
        made = self.client.create_event_source_mapping(FunctionName="etl", EventSourceArn=queue, Enabled=on)
        self.arns[made["UUID"]] = queue
        return str(made["UUID"])

    def replace(self, uuid: str) -> str:
        """As a deploy does it; the id of the new one, which is on."""
        self.client.delete_event_source_mapping(UUID=uuid)
        return self._map(self.arns[uuid])

    def tagged(self) -> dict[str, str]:
        listed = self.client.list_event_source_mappings(FunctionName="etl")["EventSourceMappings"]
        found = {}
        for one in listed:
            tags = self.client.list_tags(Resource=one["EventSourceMappingArn"])["Tags"]
            found[one["UUID"]] = tags.get("reforge-original", "")
        return found

    def switch(self, uuid: str, on: bool) -> None:
        self.client.update_event_source_mapping(UUID=uuid, Enabled=on)

    @property
    def on(self) -> list[str]:
        listed = self.client.list_event_source_mappings(FunctionName="etl")["EventSourceMappings"]
        return sorted(one["UUID"] for one in listed if one["State"] == "Enabled")


@pytest.fixture
def function(aws: Cloud) -> Function:
    return Function(aws)


def sources(desired: str, function: str = "etl", **more: Any) -> EventSourcesInputs:
    return EventSourcesInputs.model_validate({"function": function, "desired": desired} | more)


def switched(state: State, desired: str) -> State:
    return EventSources().update(HERE, "", state, sources(desired))


def test_event_sources_go_off_one_on_and_back_to_those_that_were_on(function: Function) -> None:
    before = function.on
    assert len(before) == 2
    with calls() as made:
        state = EventSources().create(HERE, sources("all"))[1]
    assert not {"UpdateEventSourceMapping", "TagResource"} & set(made)
    seen = []
    for desired in ("none", "canary", "all"):
        state = switched(state, desired)
        seen.append(function.on)
    assert seen == [[], before[:1], before]


def test_a_pause_of_event_sources_that_was_killed_midway_knows_which_were_on(function: Function) -> None:
    before = function.on
    state = EventSources().create(HERE, sources("all"))[1]
    with calls(after={"UpdateEventSourceMapping": killed}), pytest.raises(Killed):
        switched(state, "none")
    assert len(function.on) == 1
    state = switched(state, "none")
    assert function.on == []
    switched(state, "all")
    assert function.on == before


def test_an_event_source_that_somebody_turned_on_in_a_pause_is_refused(function: Function) -> None:
    before = function.on
    state = switched(EventSources().create(HERE, sources("all"))[1], "none")
    function.switch(before[0], True)
    with pytest.raises(Refusal, match="the event sources of the function etl"):
        switched(state, "all")


def refreshed(state: State) -> State:
    found = EventSources().read(HERE, "", state)
    assert found is not None
    return found


def told(state: State, desired: str) -> tuple[State, list[str]]:
    """``switched``, and what a reviewer is told."""
    notes: list[str] = []
    return EventSources().update(replace(HERE, note=notes.append), "", state, sources(desired)), notes


def test_an_event_source_that_a_deploy_replaced_in_a_pause_comes_back_as_its_new_one(
    function: Function,
) -> None:
    first, second = function.on
    state = switched(EventSources().create(HERE, sources("all"))[1], "none")
    new = function.replace(first)
    with pytest.raises(Refusal, match="the event sources of the function etl"):
        switched(state, "all")
    with calls() as made:
        state, notes = told(refreshed(state), "all")
    assert function.on == sorted([second, new])
    assert made.count("UpdateEventSourceMapping") == 1, "the new one is never off"
    assert len(notes) == 1
    assert first in notes[0]
    assert new in notes[0]
    assert not EventSources().drift(refreshed(state), sources("all"))
    assert set(function.tagged().values()) == {""}
    switched(switched(refreshed(state), "none"), "all")
    assert function.on == sorted([second, new]), "and the next pause knows it"


def test_a_new_event_source_that_the_pause_turns_off_is_on_again_afterwards(function: Function) -> None:
    first, second = function.on
    state = switched(EventSources().create(HERE, sources("all"))[1], "none")
    new = function.replace(first)
    with calls(after={"UpdateEventSourceMapping": killed}), pytest.raises(Killed):
        switched(refreshed(state), "none")
    state, notes = told(refreshed(state), "none")
    assert (function.on, len(notes)) == ([], 1)
    state, notes = told(state, "canary")
    assert len(function.on) == 1
    assert notes == [], "it was told once"
    assert not EventSources().drift(refreshed(state), sources("canary"))
    switched(state, "all")
    assert function.on == sorted([second, new])


def test_an_event_source_that_was_off_before_the_pause_is_none_that_came_in_it(function: Function) -> None:
    before, off = function.on, next(uuid for uuid in function.arns if uuid not in function.on)
    state = switched(EventSources().create(HERE, sources("all"))[1], "none")
    function.switch(off, True)
    switched(refreshed(state), "all")
    assert function.on == before


def test_an_event_source_that_is_gone_without_another_is_told(function: Function) -> None:
    first, second = function.on
    state = switched(EventSources().create(HERE, sources("all"))[1], "none")
    function.client.delete_event_source_mapping(UUID=first)
    state, notes = told(state, "all")
    assert function.on == [second]
    assert first in notes[0]
    assert state["original"] == second


def test_event_sources_on_their_way_are_waited_for_in_a_time_box(
    function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dbrestore.aws.events.Mappings._is_settled", lambda _self: False)
    EventSources().create(HERE, sources("all", timeout=1e-9))  # at rest nothing is waited for
    with pytest.raises(Problem) as caught:
        EventSources().create(HERE, sources("none", timeout=1e-9))
    assert caught.value.name == "sources-not-settled"
    assert len(function.on) == 2


def test_a_function_without_event_sources_is_told_and_gone_for_a_refresh(function: Function) -> None:
    with pytest.raises(Problem, match="no event source of the function api"):
        EventSources().create(HERE, sources("all", "api"))
    assert EventSources().read(HERE, "", sources("all", "api").wire()) is None
