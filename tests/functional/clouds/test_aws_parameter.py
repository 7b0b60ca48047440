"""``aws:Parameter`` against moto: type and KMS key stay, and nobody's edit is overwritten."""

from __future__ import annotations

from typing import Any

import pytest

from dbrestore.aws.parameter import Parameter, ParameterInputs
from dbrestore.handler import State
from problem import Problem, Refusal
from tests.functional.clouds.calls import HERE, Killed, calls, killed
from tests.support.aws.cloud import Cloud

pytestmark = pytest.mark.clouds
NAME, KEY = "/starforge/database-url", "alias/starforge"
OLD, NEW = "postgresql://app:hunter2@old/x", "postgresql://app:hunter2@new/x"


@pytest.fixture
def store(aws: Cloud) -> Any:
    client = aws.client("ssm")
    client.put_parameter(Name=NAME, Value=OLD, Type="SecureString", KeyId=KEY, Description="the app's")
    return client


def history(store: Any) -> list[str]:
    found = store.get_parameter_history(Name=NAME, WithDecryption=True)["Parameters"]
    return [one["Value"] for one in found]


def create(value: str = OLD) -> State:
    return Parameter().create(HERE, ParameterInputs(name=NAME, value=value))[1]


def update(state: State, value: str) -> State:
    return Parameter().update(HERE, NAME, state, ParameterInputs(name=NAME, value=value))


def test_there_and_back_are_new_versions_with_the_same_type_and_key(store: Any) -> None:
    state = update(create(), NEW)
    assert (
        store.get_parameter(Name=f"{NAME}:reforge-before", WithDecryption=True)["Parameter"]["Value"] == OLD
    )
    update(state, OLD)
    assert history(store) == [OLD, NEW, OLD]
    [found] = store.describe_parameters()["Parameters"]
    assert (found["Type"], found["KeyId"], found["Description"]) == ("SecureString", KEY, "the app's")


def test_a_value_changed_by_someone_else_is_refused_and_nothing_is_written(store: Any) -> None:
    state = create()
    store.put_parameter(Name=NAME, Value="hush-theirs", Overwrite=True)
    with calls() as made, pytest.raises(Refusal) as caught:
        update(state, NEW)
    assert "hush" not in str(caught.value)
    assert set(made) == {"GetParameter"}


def test_a_value_changed_between_our_reading_and_our_writing_is_put_back(store: Any) -> None:
    state = create()
    theirs = {"Name": NAME, "Value": "theirs", "Overwrite": True}

    def meanwhile(_asked: Any) -> None:
        store.put_parameter(**theirs)

    with calls(before={"LabelParameterVersion": meanwhile}), pytest.raises(Refusal):
        update(state, NEW)
    assert history(store) == [OLD, "theirs", NEW, "theirs"]


def test_a_kill_between_write_and_return_writes_nothing_twice_and_keeps_the_original(store: Any) -> None:
    with calls(after={"PutParameter": killed}), pytest.raises(Killed):
        create(NEW)
    state = create(NEW)
    assert state["original"] == OLD
    update(state, NEW)
    assert history(store) == [OLD, NEW]


def test_a_parameter_that_is_not_there_is_told_and_gone_for_a_refresh(aws: Cloud) -> None:
    with pytest.raises(Problem, match="There is no parameter /starforge/database-url in us-east-1"):
        create()
    assert Parameter().read(HERE, NAME, {"name": NAME, "held": OLD}) is None
