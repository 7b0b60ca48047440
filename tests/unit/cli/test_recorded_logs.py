"""Event logs of a real engine (3.259.0, a flag switched off), read to what a stage needs of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.events import Event, Outcome, follow
from cli.gate import refuse_data_loss
from problem import Refusal
from tests.unit.cli.doubles import INSTANCE, urn

LOGS = Path(__file__).parent / "logs"
FLAG = "flag:/srv/f.env#ingest"
ENTRY = "dbrestore:envfile:Entry"
OUTPUT = """\
Previewing update (local):
  pulumi:pulumi:Stack: (same)
    [urn=urn:pulumi:local::reforge::pulumi:pulumi:Stack::reforge-local]
    ~ dbrestore:envfile:Entry: (update)
        [id=/srv/f.env#ingest]
        [urn=urn:pulumi:local::reforge::dbrestore:envfile:Entry::flag:/srv/f.env#ingest]
      ~ value: "true" => "false"
Resources:
    ~ 1 to update
Update plan written to 'plan.json'
Run `pulumi up --plan='plan.json'` to constrain the update to the operations planned by this preview
"""


def read(name: str) -> tuple[Outcome, list[Event]]:
    heard: list[Event] = []
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        outcome = follow(LOGS / f"{name}.jsonl", ended, heard.append)
    return outcome, heard


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("preview", ["planned"]), ("up", ["began", "ended"])],
)
def test_a_log_tells_what_changes_and_nothing_of_what_stays(name: str, kinds: list[str]) -> None:
    outcome, heard = read(name)
    assert [(step.name, step.type, step.operation) for step in outcome.steps] == [(FLAG, ENTRY, "update")]
    assert outcome.changes == {"same": 1, "update": 1}
    assert outcome.changed
    assert outcome.errors == []
    changing = [event for event in heard if event.operation == "update"]
    assert [event.kind for event in changing] == kinds


def test_notes_for_the_reviewer_are_kept_once_and_stand_apart_from_the_diff(tmp_path: Path) -> None:
    said = {"urn": urn("before"), "message": "needs 3 GiB\nabout 5 s\n", "severity": "info"}
    events = [said, said, said | {"message": "copying 45 %", "ephemeral": True}]
    log = tmp_path / "events.jsonl"
    log.write_text("".join(json.dumps({"diagnosticEvent": event}) + "\n" for event in events))
    with subprocess.Popen(["true"]) as engine:
        outcome = follow(log, engine, lambda _event: None)
    assert outcome.notes == ["needs 3 GiB\nabout 5 s"]
    outcome.text = f"{OUTPUT}\n  needs 3 GiB\n    about 5 s\nDiagnostics:\n  before:\n    needs 3 GiB\n"
    assert outcome.diff == Outcome(text=OUTPUT).diff


def test_the_diff_is_the_engines_without_its_frame() -> None:
    assert (
        Outcome(text=OUTPUT).diff
        == """\
    ~ dbrestore:envfile:Entry: (update)
        [id=/srv/f.env#ingest]
        [name=flag:/srv/f.env#ingest]
      ~ value: "true" => "false"
Resources:
    ~ 1 to update"""
    )


def test_an_outcome_of_nothing_has_changed_nothing() -> None:
    assert not Outcome().changed
    assert not Outcome([Event("planned", urn("a"), "same")]).changed


def test_a_message_of_the_engine_itself_has_no_type() -> None:
    assert (Event("said", "engine").name, Event("said", "engine").type) == ("engine", "")


def test_the_type_of_a_child_is_its_own() -> None:
    nested = "urn:pulumi:local::reforge::my:group:Group$dbrestore:postgres:Instance::before"
    assert Event("planned", nested, "delete").type == INSTANCE


@pytest.mark.parametrize("operation", ["create", "update", "same", "read", "import", "refresh"])
def test_the_gate_lets_through_what_loses_no_data(operation: str) -> None:
    refuse_data_loss(Outcome([Event("planned", urn("before"), operation)]), {INSTANCE})


@pytest.mark.parametrize(
    "operation",
    ["delete", "replace", "create-replacement", "delete-replaced", "discard", "discard-replaced"],
)
def test_the_gate_refuses_what_loses_data_by_its_name(operation: str) -> None:
    outcome = Outcome([Event("planned", urn("before"), operation)])
    with pytest.raises(Refusal, match=f"{operation} of before"):
        refuse_data_loss(outcome, {INSTANCE})


def test_a_teardown_may_delete_what_it_names_and_replace_nothing() -> None:
    refuse_data_loss(Outcome([Event("planned", urn("before"), "delete")]), {INSTANCE}, ["before"])
    refuse_data_loss(Outcome([Event("planned", urn("a-flag", ENTRY), "delete")]), {INSTANCE})
    both = Outcome([Event("planned", urn(name), "delete") for name in ("before", "lunch")])
    with pytest.raises(Refusal, match="delete of lunch") as caught:
        refuse_data_loss(both, {INSTANCE}, ["before"])
    assert "before" not in caught.value.what
    with pytest.raises(Refusal, match="replace of before"):
        refuse_data_loss(Outcome([Event("planned", urn("before"), "replace")]), {INSTANCE}, ["before"])
