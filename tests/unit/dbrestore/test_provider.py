"""Between the engine and a handler: what is checked, compared, previewed, passed on and said of failures."""

from __future__ import annotations

from typing import Any

import grpc
import grpc.aio
import pytest
from pulumi.runtime.proto import provider_pb2, status_pb2
from pulumi.runtime.rpc import UNKNOWN, _special_secret_sig, _special_sig_key

from dbrestore.handler import PartlyMade
from problem import Problem, Refusal
from tests.unit.dbrestore.wire import TOKEN, URN, Engine, Record, RecordInputs, Step, plain

DEFAULTS = {
    "size": 1, "ratio": 0.5, "step": {"kind": "latest", "inclusive": True}, "tags": [], "word": "",
}  # fmt: skip


def whole(**inputs: Any) -> dict[str, Any]:
    return {"name": "one"} | DEFAULTS | inputs


def secret(value: str) -> dict[str, str]:
    return {_special_sig_key: _special_secret_sig, "value": value}


# Check


def test_defaults_are_filled_in_at_every_depth() -> None:
    inputs, failures = Engine().check({"name": "one", "step": {"kind": "time", "atMost": 5}, "note": None})
    assert failures == {}
    assert inputs == whole(step={"kind": "time", "inclusive": True, "atMost": 5})


def test_every_wrong_input_is_named_in_words_of_its_own() -> None:
    news = {"size": 0, "step": {"inclusive": True}, "note": "wrong", "colour": "red", "tags": ["a", 5]}
    _, failures = Engine().check(news)
    assert failures == {
        "name": "Field required",
        "size": "Input should be greater than or equal to 1",
        "step.kind": "Field required",
        "note": "a note says something",
        "colour": "Extra inputs are not permitted",
        "tags.1": "Input should be a valid string",
    }


def test_a_problem_that_a_model_meets_is_a_failed_check_too() -> None:
    _, failures = Engine().check({"name": "one", "note": "problem"})
    assert failures == {"": "The archive knows no such note. [note-problem]\nWrite another."}


def test_what_is_not_known_yet_is_passed_over_and_the_rest_is_filled_in() -> None:
    engine = Engine()
    inputs, failures = engine.check({"name": UNKNOWN, "step": {"kind": UNKNOWN}, "size": 2})
    assert failures == {}
    assert inputs == DEFAULTS | {"name": UNKNOWN, "step": {"kind": UNKNOWN}, "size": 2}
    assert engine.handler.calls == []


def test_what_is_known_beside_something_unknown_is_still_checked() -> None:
    _, failures = Engine().check({"name": UNKNOWN, "size": 0, "colour": UNKNOWN})
    assert failures == {"size": "Input should be greater than or equal to 1"}


@pytest.mark.parametrize(
    ("news", "failed"),
    [
        (whole(), {}),
        ({"name": "one"}, {}),
        (whole(step={"kind": "latest"}), {}),
        (whole(step={"kind": "latest", "inclusive": True, "atMost": None}), {}),
        (whole(size=5), {}),
        (whole(name=UNKNOWN), {}),
        (whole(name="two"), {"name": "add another"}),
        (whole(name="two", step={"kind": "time"}), {"name": "add another", "step": "never rebuilt"}),
    ],
)
def test_what_may_never_change_is_refused_by_meaning_not_by_spelling(
    news: dict[str, Any], failed: dict[str, str]
) -> None:
    assert Engine().check(news, olds=whole())[1] == failed


def test_a_new_resource_is_examined_and_refused_in_the_handlers_words() -> None:
    engine = Engine(Record(examine=Refusal("wal-missing", "Segment 5 is missing.", "Choose 14:02.")))
    _, failures = engine.check({"name": "one"})
    assert failures == {"": "Segment 5 is missing. [wal-missing]\nChoose 14:02."}
    [(verb, urn, inputs)] = engine.handler.calls
    assert (verb, urn) == ("examine", URN)
    assert inputs == RecordInputs(name="one")


def test_a_resource_that_exists_is_not_examined() -> None:
    engine = Engine(Record(examine=Problem("never", "asked")))
    assert engine.check(whole(size=2), olds=whole())[1] == {}
    assert engine.handler.calls == []


def test_a_wrong_new_resource_is_not_examined() -> None:
    engine = Engine(Record(examine=Problem("never", "asked")))
    assert set(engine.check({"size": 0})[1]) == {"name", "size"}
    assert engine.handler.calls == []


# Diff


@pytest.mark.parametrize(
    ("state", "news", "kinds"),
    [
        (whole(), whole(), {}),
        (whole(size=2), whole(size=2.0), {}),
        (whole(), whole(note=None), {}),
        (whole(count=3, learnt="x"), whole(), {}),
        (whole(), whole(size=2), {"size": "UPDATE"}),
        (whole(), whole(note="new"), {"note": "ADD"}),
        (whole(note="old"), whole(), {"note": "DELETE"}),
        (whole(), whole(step={"kind": "time"}), {"step": "UPDATE"}),
        (whole(), whole(tags=["a"], size=UNKNOWN), {"tags": "UPDATE", "size": "UPDATE"}),
        (whole(), whole(step={"kind": UNKNOWN}), {"step": "UPDATE"}),
        (whole(count=2), whole(), {"count": "UPDATE"}),
        (whole(count=2), whole(size=2), {"size": "UPDATE", "count": "UPDATE"}),
    ],
)
def test_a_diff_names_each_property_and_nothing_is_ever_replaced(
    state: dict[str, Any], news: dict[str, Any], kinds: dict[str, str]
) -> None:
    assert Engine().diff(state, news) == (bool(kinds), kinds)


# Previews


def test_a_preview_of_a_create_touches_nothing() -> None:
    engine = Engine()
    answer = engine.ask("Create", urn=URN, properties=whole(), preview=True)
    assert (answer.id, plain(answer.properties)) == ("", whole())
    assert engine.handler.calls == []


def test_a_preview_of_an_update_keeps_what_is_known_and_touches_nothing() -> None:
    engine = Engine()
    state, news = whole(count=3), whole(size=UNKNOWN)
    answer = engine.ask("Update", urn=URN, id="id", olds=state, news=news, preview=True)
    assert plain(answer.properties) == whole(count=3, size=UNKNOWN)
    assert engine.handler.calls == []


# The verbs


def test_create_gets_plain_values_and_tells_its_progress() -> None:
    engine = Engine()
    answer = engine.ask("Create", urn=URN, properties=whole(size=7.0, step={"kind": "xid", "atMost": 9}))
    assert answer.id == "id-one"
    [(_, inputs)] = engine.handler.calls
    assert inputs == RecordInputs(name="one", size=7, step=Step(kind="xid", at_most=9))
    assert isinstance(inputs.step.at_most, int)
    assert engine.told == [(URN, "half way")]
    assert plain(answer.properties)["count"] == 3


def test_state_that_a_handler_calls_secret_is_sent_as_secret() -> None:
    engine = Engine()
    created = engine.ask("Create", urn=URN, properties=whole(word="pass"))
    updated = engine.ask("Update", urn=URN, id="id", olds=whole(password="x"), news=whole(word="pass"))
    read = engine.ask("Read", urn=URN, id="id", properties=whole(word="pass", password="x"))
    for answer in (created, updated, read):
        sent = plain(answer.properties)
        assert sent["word"] == secret("pass")
        assert sent["password"][_special_sig_key] == _special_secret_sig
        assert sent["name"] == "one"


def test_read_gives_the_state_as_it_is_and_the_inputs_as_they_were() -> None:
    engine = Engine()
    answer = engine.ask("Read", urn=URN, id="id", properties=whole(count=3), inputs=whole())
    assert (answer.id, plain(answer.inputs)) == ("id", whole())
    assert plain(answer.properties)["count"] == 4
    assert engine.handler.calls == [("read", "id", whole(count=3))]


def test_a_resource_that_is_gone_is_read_as_gone() -> None:
    engine = Engine()
    engine.handler.gone = True
    answer = engine.ask("Read", urn=URN, id="id", properties=whole(), inputs=whole())
    assert (answer.id, plain(answer.properties)) == ("", {})


def test_what_is_gone_for_now_is_not_forgotten_by_a_look_that_is_unsure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REFORGE_UNSURE", "1")
    engine = Engine()
    engine.handler.gone = True
    answer = engine.ask("Read", urn=URN, id="id", properties=whole(count=3), inputs=whole())
    assert (answer.id, plain(answer.properties), plain(answer.inputs)) == ("id", whole(count=3), whole())
    assert engine.ask("Read", urn=URN, id="id").id == "", "an import finds nothing"


def test_update_gets_the_old_state_and_the_new_inputs() -> None:
    engine = Engine()
    answer = engine.ask("Update", urn=URN, id="id", olds=whole(count=3.0), news=whole(size=2.0))
    [(_, identity, state, inputs)] = engine.handler.calls
    assert (identity, state, inputs.size) == ("id", whole(count=3), 2)
    assert isinstance(state["count"], int)
    assert plain(answer.properties)["size"] == 2


def test_delete_gets_the_state() -> None:
    engine = Engine()
    engine.ask("Delete", urn=URN, id="id", properties=whole(tags=["a", "b"]))
    assert engine.handler.calls == [("delete", "id", whole(tags=["a", "b"]))]


# Failures


@pytest.mark.parametrize(
    ("verb", "request_"),
    [
        ("Create", {"properties": whole()}),
        ("Read", {"id": "id", "properties": whole()}),
        ("Update", {"id": "id", "olds": whole(), "news": whole(size=2)}),
        ("Delete", {"id": "id", "properties": whole()}),
    ],
)
def test_a_problem_crosses_in_its_own_words(verb: str, request_: dict[str, Any]) -> None:
    problem = Problem("disk-full", "The disk is full.", "Make room.")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        Engine(Record(**{verb.lower(): problem})).ask(verb, urn=URN, **request_)
    assert caught.value.details() == "The disk is full. [disk-full]\nMake room."
    assert caught.value.code() == grpc.StatusCode.UNKNOWN


@pytest.mark.parametrize(
    ("verb", "request_"),
    [("Create", {"properties": whole()}), ("Update", {"id": "id", "olds": whole(), "news": whole(size=2)})],
)
def test_what_is_half_made_is_given_to_the_engine_to_keep(verb: str, request_: dict[str, Any]) -> None:
    half = PartlyMade(Problem("interrupted", "Interrupted.", "Run again."), "id-half", whole(count=1))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        Engine(Record(**{verb.lower(): half})).ask(verb, urn=URN, **request_)
    trailers = dict(caught.value.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    assert detail.id == "id-half"
    assert plain(detail.properties) == whole(count=1)
    assert list(detail.reasons) == ["Interrupted. [interrupted]\nRun again."]
    assert status.code == grpc.StatusCode.UNKNOWN.value[0]


def test_a_type_that_there_is_no_handler_for_is_told_with_those_there_are() -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        Engine().ask("Create", urn=URN.replace("Record", "Recrod"), properties=whole())
    assert (
        caught.value.details()
        == f"dbrestore has no dbrestore:test:Recrod; it has {TOKEN} [unknown-resource-type]"
    )


# The plugin as a whole


def test_the_engine_is_told_that_previews_are_safe_and_secrets_are_its_own_affair() -> None:
    answer = Engine().ask("Configure")
    assert (answer.supportsPreview, answer.acceptSecrets) == (True, False)


def test_there_is_a_schema() -> None:
    assert '"name": "dbrestore"' in Engine().ask("GetSchema").schema


def test_what_no_handler_foresaw_is_told_with_its_place_and_without_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        Engine(Record(create=TypeError("the disk is on fire"))).ask("Create", urn=URN, properties=whole())
    said = caught.value.details() or ""
    assert said.startswith("TypeError: the disk is on fire [unknown]\nThis was not foreseen, in ")
    assert "wire.py:" in said
    assert caplog.text == ""


def test_what_the_system_keeps_from_us_is_told_by_its_file() -> None:
    refused = OSError(30, "Read-only file system", "/srv/restores/a")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        Engine(Record(create=refused)).ask("Create", urn=URN, properties=whole())
    said = caught.value.details() or ""
    assert said.startswith("/srv/restores/a: Read-only file system. [file-unusable]\nMend that")


def test_an_interrupt_reaches_the_work_and_another_run_of_the_engine_begins_afresh() -> None:
    engine, create = Engine(), ("Create", {"urn": URN, "properties": whole()})
    engine.ask_in_turn(create, ("Cancel", {}), create, ("Attach", {"address": ""}), create)
    assert engine.handler.cancelled == [False, True, False]
