"""``gcp:Secret`` and ``gcp:Record`` over HTTP: new versions, exact changes, and nobody's edit overwritten."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from dbrestore.gcp.record import GcpRecordInputs, Record
from dbrestore.gcp.secret import GcpSecretInputs, Secret
from dbrestore.handler import Context, State
from problem import Problem, Refusal
from tests.functional.clouds.calls import HERE
from tests.support.gcp_values import Google, google_values, packed

pytestmark = pytest.mark.clouds
WHOLE = "projects/starforge/secrets/database-url"
OLD, NEW = "postgresql://app:hunter2@old/x", "postgresql://app:hunter2@new/x"
ADD, PATCH = "secretmanager.projects.secrets.addVersion", "secretmanager.projects.secrets.patch"
CHANGE = "dns.changes.create"
NAME = "db.starforge.example."


@pytest.fixture
def google() -> Iterator[Google]:
    with google_values() as made:
        made.secrets[WHOLE] = [packed(OLD)]
        made.records[NAME, "CNAME"] = cname("old.example.")
        yield made
        assert made.wrong == []


def cname(host: str, ttl: int = 20) -> dict[str, Any]:
    return {"name": NAME, "type": "CNAME", "ttl": ttl, "rrdatas": [host]}


def texts(google: Google) -> list[str]:
    return [base64.b64decode(one).decode() for one in google.secrets[WHOLE]]


def want(value: str | None = None, **more: Any) -> GcpSecretInputs:
    return GcpSecretInputs.model_validate(
        {"project": "starforge", "secret": "database-url", "value": value} | more
    )


def create(value: str | None = None, **more: Any) -> State:
    return Secret().create(HERE, want(value, **more))[1]


def update(state: State, value: str | None = None, **more: Any) -> State:
    return Secret().update(HERE, "", state, want(value, **more))


def test_recording_the_original_changes_nothing(google: Google) -> None:
    assert create()["original"] == OLD
    assert not {ADD, PATCH} & set(google.recorded)


def test_a_cutover_names_the_version_before_and_a_rollback_is_a_new_version(google: Google) -> None:
    state = update(create(), NEW, label="reforge-before-rescue")
    assert texts(google) == [OLD, NEW]
    assert google.aliases[WHOLE] == {"reforge-before-rescue": "1"}
    update(state, label="reforge-before-source")
    assert texts(google) == [OLD, NEW, OLD]
    assert google.aliases[WHOLE] == {"reforge-before-rescue": "1", "reforge-before-source": "2"}


def test_a_secret_changed_by_someone_else_is_refused_and_nothing_is_written(google: Google) -> None:
    state = create()
    google.secrets[WHOLE].append(packed("hush-theirs"))
    with pytest.raises(Refusal) as caught:
        update(state, NEW)
    assert "hush" not in str(caught.value)
    assert not {ADD, PATCH} & set(google.recorded)


@pytest.mark.parametrize(("call", "after"), [(PATCH, [OLD, "theirs"]), (ADD, [OLD, "theirs", NEW, "theirs"])])
def test_a_secret_changed_between_our_reading_and_our_writing_keeps_theirs_as_the_latest(
    google: Google, call: str, after: list[str]
) -> None:
    state = create()
    google.before[call] = lambda: google.secrets[WHOLE].append(packed("theirs"))
    with pytest.raises(Refusal):
        update(state, NEW)
    assert texts(google) == after


def test_an_alias_that_somebody_else_sets_at_the_same_time_is_kept(google: Google) -> None:
    state = create()

    def theirs() -> None:
        google.aliases[WHOLE], google.etag = {"stable": "1"}, 5

    google.before[PATCH] = theirs
    update(state, NEW)
    assert google.aliases[WHOLE] == {"stable": "1", "reforge-before": "1"}


def test_a_lost_answer_leaves_one_version_and_the_original(google: Google) -> None:
    def lost() -> None:
        google.secrets[WHOLE].append(packed(NEW))
        google.refusing = 503

    google.before[ADD] = lost
    with pytest.raises(Problem) as caught:
        create(NEW)
    assert caught.value.name == "gcp-refused"
    google.refusing = 0
    state = create(NEW)
    assert state["original"] == OLD
    update(state, NEW)
    assert texts(google) == [OLD, NEW]
    assert google.recorded.count(ADD) == 1


def test_a_json_key_leaves_the_other_keys_byte_for_byte(google: Google) -> None:
    text = '{"url":\t"%s", "n":1.50e0}'
    google.secrets[WHOLE] = [packed(text % OLD)]
    update(create(key="url"), NEW, key="url")
    assert texts(google)[-1] == text % NEW
    with pytest.raises(Problem, match="no key other"):
        create(key="other")


def test_a_secret_of_bytes_or_none_is_told(google: Google) -> None:
    google.secrets[WHOLE] = [base64.b64encode(b"\xff").decode()]
    with pytest.raises(Problem, match="bytes and no text"):
        create()
    with pytest.raises(Problem, match="no secret other with a version in the project starforge"):
        create(secret="other")
    assert Secret().read(HERE, "", want(secret="other").wire()) is None


@pytest.mark.parametrize(
    ("status", "name"),
    [(401, "gcp-credentials-expired"), (403, "gcp-denied"), (400, "gcp-refused"), (412, "gcp-conflict")],
)
def test_what_google_refuses_has_a_name_and_no_value(google: Google, status: int, name: str) -> None:
    google.refusing = status
    with pytest.raises(Problem) as caught:
        create()
    assert caught.value.name == name
    assert "hush" not in str(caught.value)


def record(host: str | None = None, **more: Any) -> GcpRecordInputs:
    asked = {"project": "starforge", "zone": "internal", "name": NAME.rstrip("."), "host": host, "port": 5432}
    return GcpRecordInputs.model_validate(asked | more)


def test_a_record_goes_there_and_comes_back(google: Google) -> None:
    state = Record().create(HERE, record())[1]
    assert CHANGE not in google.recorded
    state = Record().update(HERE, "", state, record("new.example"))
    assert google.records[NAME, "CNAME"] == cname("new.example.")
    Record().update(HERE, "", state, record())
    assert google.records[NAME, "CNAME"] == cname("old.example.")


def test_a_record_changed_in_between_is_refused_by_google_and_by_us(google: Google) -> None:
    state = Record().create(HERE, record())[1]
    google.before[CHANGE] = lambda: google.records.update({(NAME, "CNAME"): cname("theirs.example.")})
    with pytest.raises(Refusal):
        Record().update(HERE, "", state, record("new.example"))
    assert google.records[NAME, "CNAME"] == cname("theirs.example.")


def test_a_change_is_waited_for_until_cloud_dns_says_done(google: Google) -> None:
    class Waits(threading.Event):
        slept = 0

        def wait(self, timeout: float | None = None) -> bool:
            self.slept += 1
            return False

    waits = Waits()
    here = Context("urn", cancelled=waits)
    google.pending = 2
    Record().update(here, "", Record().create(here, record())[1], record("new.example"))
    assert waits.slept == 2


def test_a_routed_or_missing_record_is_told(google: Google) -> None:
    google.records[NAME, "CNAME"] = {"name": NAME, "type": "CNAME", "ttl": 5, "routingPolicy": {}}
    with pytest.raises(Problem, match="routed by a policy"):
        Record().create(HERE, record())
    google.records.clear()
    with pytest.raises(Problem, match="CNAME in internal in the project starforge"):
        Record().create(HERE, record())
    assert Record().read(HERE, "", record().wire()) is None
