"""``aws:Secret`` against moto: versions, labels, and nobody's edit overwritten."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dbrestore.aws.secret import Secret, SecretInputs
from dbrestore.handler import State
from problem import Problem, Refusal
from tests.functional.clouds.calls import HERE, Killed, calls, killed
from tests.support.aws.cloud import Cloud

pytestmark = pytest.mark.clouds
NAME = "starforge/database-url"
OLD, NEW = "postgresql://app:hunter2@old/x", "postgresql://app:hunter2@new/x"
CALLS_THAT_CHANGE = {"PutSecretValue", "UpdateSecretVersionStage"}


class Vault:
    """The secret as its owner sees it."""

    def __init__(self, aws: Cloud, text: str) -> None:
        self.client = aws.client("secretsmanager")
        self.client.create_secret(Name=NAME, SecretString=text)

    @property
    def text(self) -> str:
        # By its label: without one, moto gives the version that was last put as AWSCURRENT.
        return self.labelled("AWSCURRENT")

    def put(self, text: str) -> None:
        self.client.put_secret_value(SecretId=NAME, SecretString=text)

    def labelled(self, label: str) -> str:
        return str(self.client.get_secret_value(SecretId=NAME, VersionStage=label)["SecretString"])

    @property
    def versions(self) -> dict[str, list[str]]:
        listed = self.client.list_secret_version_ids(SecretId=NAME, IncludeDeprecated=True)["Versions"]
        return {one["VersionId"]: sorted(one.get("VersionStages", [])) for one in listed}


@pytest.fixture
def vault(aws: Cloud) -> Vault:
    return Vault(aws, OLD)


def want(value: str, **more: Any) -> SecretInputs:
    return SecretInputs(secret=NAME, value=value, **more)


def create(value: str = OLD, **more: Any) -> State:
    return Secret().create(HERE, want(value, **more))[1]


def update(state: State, value: str, **more: Any) -> State:
    return Secret().update(HERE, NAME, state, want(value, **more))


def test_recording_the_original_changes_nothing(vault: Vault) -> None:
    before = vault.versions
    with calls() as made:
        assert create()["original"] == OLD
    assert not CALLS_THAT_CHANGE & set(made)
    assert vault.versions == before


def test_the_version_before_a_cutover_is_labelled_and_a_rollback_is_a_new_version(vault: Vault) -> None:
    state = update(create(), NEW, label="reforge-before-rescue")
    assert (vault.text, vault.labelled("reforge-before-rescue"), vault.labelled("AWSPREVIOUS")) == (
        NEW,
        OLD,
        OLD,
    )
    state = update(state, OLD, label="reforge-before-source")
    assert (vault.text, vault.labelled("reforge-before-source"), vault.labelled("AWSPREVIOUS")) == (
        OLD,
        NEW,
        NEW,
    )
    assert len(vault.versions) == 3
    assert not any("reforge-pending" in stages for stages in vault.versions.values())
    assert (state["original"], state["previous"]) == (OLD, NEW)


def test_a_value_changed_by_someone_else_is_refused_and_nothing_is_written(vault: Vault) -> None:
    state = create()
    vault.put("hush-theirs")
    before = vault.versions
    with calls() as made, pytest.raises(Refusal) as caught:
        update(state, NEW)
    assert caught.value.name == "changed-meanwhile"
    assert "hush" not in str(caught.value)
    assert not CALLS_THAT_CHANGE & set(made)
    assert (vault.text, vault.versions) == ("hush-theirs", before)


def test_a_value_changed_between_our_reading_and_our_writing_stays_current(vault: Vault) -> None:
    state = create()
    with (
        calls(before={"PutSecretValue": lambda _asked: vault.put("theirs")}),
        pytest.raises(Refusal, match="changed by someone else"),
    ):
        update(state, NEW)
    assert vault.text == "theirs"
    assert not any("reforge-pending" in stages for stages in vault.versions.values())


@pytest.mark.parametrize("call", ["PutSecretValue", "UpdateSecretVersionStage"])
def test_a_kill_after_any_call_makes_no_second_version(vault: Vault, call: str) -> None:
    state = create()
    with calls(after={call: killed}), pytest.raises(Killed):
        update(state, NEW)
    assert update(state, NEW)["original"] == OLD
    assert vault.text == NEW
    assert len(vault.versions) == 2
    with calls() as made:
        update(state, NEW)
    assert not CALLS_THAT_CHANGE & set(made)


def test_a_create_that_was_killed_after_it_wrote_still_knows_the_original(vault: Vault) -> None:
    with calls(after={"PutSecretValue": killed}), pytest.raises(Killed):
        create(NEW)
    create(NEW)
    assert create(NEW)["original"] == OLD


def test_another_value_after_a_kill_gets_a_version_of_its_own(vault: Vault) -> None:
    state = create()
    with calls(after={"PutSecretValue": killed}), pytest.raises(Killed):
        update(state, NEW)
    update(state, "postgresql://other/x")
    assert vault.text == "postgresql://other/x"


def test_a_json_key_leaves_the_other_keys_byte_for_byte(aws: Cloud) -> None:
    text = '{ "api_key":"\\u00e9\\/",\n\t"url" : "%s", "port": 5432,"n":1.50e0, "url2":"x" }'
    vault = Vault(aws, text % OLD)
    state = create(key="url")
    assert state["original"] == OLD
    update(state, NEW, key="url")
    assert vault.text == text % NEW


def test_host_and_port_of_one_secret_are_two_entries_and_a_number_stays_one(aws: Cloud) -> None:
    vault = Vault(aws, '{"host": "old", "port": 5432}')
    host, port = create("old", key="host"), create("5432", key="port")
    update(host, "new", key="host")
    update(port, "5433", key="port")
    assert json.loads(vault.text) == {"host": "new", "port": 5433}


def test_another_keys_write_in_between_is_no_foreign_change(aws: Cloud) -> None:
    vault = Vault(aws, '{"host": "old", "port": 5432}')
    state = create("old", key="host")
    beside = '{"host": "old", "port": 5433}'
    with calls(before={"PutSecretValue": lambda _asked: vault.put(beside)}):
        update(state, "new", key="host")
    assert json.loads(vault.text) == {"host": "new", "port": 5433}


def test_what_cannot_be_read_is_told_without_a_word_of_it(aws: Cloud) -> None:
    vault = Vault(aws, "hush, no json")
    for text, key, name in [
        ("hush, no json", "url", "json-unreadable"),
        ('["hush"]', "url", "json-unreadable"),
        ('{"hush": {}}', "hush", "json-unreadable"),
        ('{"hush": 1}', "url", "key-missing"),
    ]:
        vault.put(text)
        with pytest.raises(Problem) as caught:
            create(key=key)
        assert caught.value.name == name
        assert "hush, no" not in str(caught.value)
    vault.client.put_secret_value(SecretId=NAME, SecretBinary=b"hush")
    with pytest.raises(Problem, match="bytes and no text"):
        create()


def test_a_secret_that_is_not_there_is_told_and_gone_for_a_refresh(aws: Cloud) -> None:
    with pytest.raises(Problem, match="There is no secret starforge/database-url with a value in us-east-1"):
        create()
    assert Secret().read(HERE, NAME, {"secret": NAME, "held": OLD}) is None


def test_labels_of_old_incidents_go_before_the_secret_takes_no_more(vault: Vault) -> None:
    state = create()
    for number in range(12):
        state = update(state, f"value {number}", label=f"reforge-before-{number}")
    ours = {stage for stages in vault.versions.values() for stage in stages if "before" in stage}
    assert f"reforge-before-{11}" in ours
    assert len(ours) == 8


def test_without_a_value_the_owners_text_stays_whatever_it_is_and_comes_back_as_it_was(vault: Vault) -> None:
    with calls() as made:
        state = Secret().create(HERE, SecretInputs(secret=NAME))[1]
    assert not CALLS_THAT_CHANGE & set(made)
    vault.put("postgresql://app:rotated@old/x")
    seen = Secret().read(HERE, NAME, state)
    assert seen is not None
    assert Secret().drift(seen, None) == frozenset()
    state = update(seen, NEW)
    Secret().update(HERE, NAME, state, SecretInputs(secret=NAME))
    assert vault.text == "postgresql://app:rotated@old/x"
