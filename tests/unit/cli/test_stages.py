"""A stage: proposed, held against the gates, bound to what it was made from, applied, and journaled."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from cli import plans
from cli.events import Event
from cli.journal import Journal
from cli.render import Screen
from problem import Problem
from tests.unit.cli.conftest import STACK, Reforge
from tests.unit.cli.doubles import INSTANCE, PlayedEngine, urn

RESTORE = ["restore", "before", "--time", "2025-01-01T12:00:00Z"]
ACCEPTED = """reforge:restores:
    before:
      from: {latest: true}
      waived: {reason: the drill of march, by: sre, at: "2025-01-01T12:00:00Z"}
"""


@pytest.fixture
def file(project: Path) -> Path:
    return project / "Pulumi.local.yaml"


@pytest.fixture
def kept(project: Path) -> Path:
    return project / ".reforge"


@pytest.fixture
def journal(kept: Path) -> Journal:
    return Journal(kept / "journal/local.jsonl")


@pytest.fixture
def accepted(file: Path) -> Path:
    """A stack with a restore that may serve."""
    file.write_text(STACK.replace("reforge:restores: {}\n", ACCEPTED))
    return file


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is noted and told of the databases around a cut-over, played."""
    said: list[str] = []

    def before(_session: Any, name: str) -> Any:
        said.append(f"before {name}")
        return lambda: said.append(f"baseline {name}")

    def written(_session: Any, _stage: Any, name: str, final: bool = False, since: str = "") -> None:
        said.append(f"written {name}{' in the end' if final else ''}")

    for command in ("apply", "cutover", "rollback"):
        module = __import__(f"cli.commands.{command}", fromlist=["command"])
        for name, played in {
            "before_cutover": before,
            "hold": lambda _session, _stage, _name, _given: None,
            "after_cutover": lambda _session, _stage, name: said.append(f"after {name}"),
            "tell_written": written,
            "tell_left_behind": lambda _session, _stage, left: said.append(f"left {left}"),
        }.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, played)
    return said


def states(journal: Journal) -> list[str]:
    return [f"{run.stage} {run.state}" for run in journal.runs()]


def test_a_stage_is_proposed_with_both_diffs_and_applied_later(
    reforge: Reforge, played: PlayedEngine, file: Path, kept: Path, journal: Journal
) -> None:
    played.steps = [Event("planned", urn("before"), "create")]
    out = reforge(*RESTORE).out
    assert "+    before:\n+      from:\n+        time: " in out.replace("'", "")
    assert "Resources:\n    + made up" in out
    assert "Proposed, not applied." in out
    assert "Next: reforge apply" in out
    assert "up" not in played.calls
    assert sorted(path.name for path in (kept / "plans").iterdir()) == ["local.json", "local.meta.json"]
    ended = reforge("--json", "apply")
    assert ended.document["state"] == "done"
    assert ended.document["position"] == "restored"
    assert ended.document["next"] == "validate before"
    assert "before: create begins" in ended.err
    assert "before: create done" in ended.err
    assert played.checked == [False]
    assert list((kept / "plans").iterdir()) == []
    assert states(journal) == ["restore proposed", "apply done"]


def test_with_yes_a_stage_is_applied_at_once_without_a_terminal(
    reforge: Reforge, played: PlayedEngine, file: Path
) -> None:
    document = reforge("--json", *RESTORE, "--yes").document
    assert document["state"] == "done"
    assert document["stage"] == "restore"
    assert document["subject"] == "before"
    assert "+    before:" in document["config_diff"]
    assert played.checked == [True]
    assert "state" not in played.calls  # what is applied at once needs no binding, and no time for it


def test_a_dry_run_writes_nothing(reforge: Reforge, file: Path, kept: Path) -> None:
    assert "Dry run: nothing was written." in reforge(*RESTORE, "--dry-run").out
    assert file.read_text() == STACK
    assert list((kept / "plans").iterdir()) == []
    assert not list(kept.glob("proposal*"))


def test_a_preview_that_fails_leaves_the_file_and_an_earlier_plan_as_they_were(
    reforge: Reforge, played: PlayedEngine, file: Path, kept: Path
) -> None:
    reforge("pause", "--no-diagnostics")
    before = file.read_text(), (kept / "plans/local.json").read_text()
    played.fails["preview"] = Problem("wal-missing", "Segment 7 is missing.", "Take an earlier time.")
    assert "Take an earlier time." in reforge(*RESTORE, expect=1).err
    assert (file.read_text(), (kept / "plans/local.json").read_text()) == before
    assert not list(kept.glob("proposal*"))
    assert not list(kept.glob("plans/*.fresh*"))


def test_an_apply_that_fails_keeps_the_config_and_the_same_command_goes_on(
    reforge: Reforge, played: PlayedEngine, file: Path, journal: Journal
) -> None:
    played.fails["up"] = Problem("engine-failed", "The disk is full.")
    played.resources = [{"urn": urn("before")}]
    reforge(*RESTORE, "--yes", expect=1)
    assert "before:" in file.read_text()
    assert journal.last() is not None
    status = reforge("--json", "status").document
    assert (status["state"], status["next"]) == ("failed", " ".join([*RESTORE, "--yes"]))
    played.fails.clear()
    assert reforge("--json", *status["next"].split()).document["config_diff"] == ""


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a bug")])
def test_whatever_ends_a_stage_it_ends_in_a_named_state(
    reforge: Reforge, played: PlayedEngine, journal: Journal, error: BaseException
) -> None:
    interrupted = isinstance(error, KeyboardInterrupt)
    played.fails["up"] = error
    reforge(*RESTORE, "--yes", expect=130 if interrupted else 1)
    assert states(journal) == [f"restore {'interrupted' if interrupted else 'failed'}"]


def test_drafts_and_plans_are_for_their_owner_alone(
    reforge: Reforge, played: PlayedEngine, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, int] = {}
    preview = PlayedEngine.preview

    def look(self: PlayedEngine, config: Path, plan: Path, on_event: Any) -> Any:
        seen["proposal"] = stat.S_IMODE(config.stat().st_mode)
        return preview(self, config, plan, on_event)

    monkeypatch.setattr(PlayedEngine, "preview", look)
    reforge("pause", "--no-diagnostics")
    seen |= {path.name: stat.S_IMODE(path.stat().st_mode) for path in (kept / "plans").iterdir()}
    assert seen == {"proposal": 0o600, "local.json": 0o600, "local.meta.json": 0o600}


@pytest.mark.parametrize("changed", ["plan", "config", "program", "state"])
def test_apply_refuses_what_changed_since_the_plan_and_says_what(
    reforge: Reforge,
    played: PlayedEngine,
    file: Path,
    kept: Path,
    project: Path,
    changed: str,
) -> None:
    (project / "__main__.py").write_text("one = 1\n")
    reforge("pause", "--no-diagnostics")
    match changed:
        case "plan":
            (kept / "plans/local.json").write_text("{}")
        case "config":
            file.write_text(file.read_text() + "  # edited\n")
        case "program":
            (project / "__main__.py").write_text("two = 2\n")
        case "state":
            played.resources = [{"urn": urn("before")}]
    ended = reforge("--json", "apply", expect=3)
    assert ended.document["error"]["name"] == "plan-outdated"
    assert ended.document["error"]["what"] == f"Changed since the plan was made: the {changed}."
    assert "up" not in played.calls
    again = reforge("--json", "status").document["next"]
    assert again == "pause --no-diagnostics"
    reforge(*again.split())
    assert reforge("--json", "apply").document["position"] == "paused"


def test_every_source_file_of_the_program_counts(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: reforge\n")
    once = plans._program(tmp_path)
    assert once == plans._program(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: other\n")
    assert plans._program(tmp_path) != once


def test_without_a_plan_there_is_nothing_to_apply(reforge: Reforge, kept: Path) -> None:
    ended = reforge("apply", expect=3)
    assert "There is no plan to apply." in ended.err
    assert "reforge preview" in ended.err
    reforge("preview")
    (kept / "plans/local.meta.json").write_text("{not json")
    assert "There is no plan to apply." in reforge("apply", expect=3).err


def test_a_teardown_that_is_applied_later_removes_what_it_named_and_its_command_goes_on(
    reforge: Reforge, played: PlayedEngine, accepted: Path
) -> None:
    played.steps = [Event("planned", urn("before"), "delete")]
    played.resources = [{"urn": urn("before")}]
    reforge("teardown", "before")
    played.fails["up"] = Problem("engine-failed", "The disk is full.")
    reforge("apply", expect=1)
    # A preview would be refused: it names nothing that may go.
    assert reforge("--json", "status").document["next"] == "teardown before"
    played.fails.clear()
    reforge("teardown", "before")
    assert reforge("--json", "apply").document["position"] == "normal"


@pytest.mark.parametrize(
    "operation", ["delete", "replace", "create-replacement", "delete-replaced", "discard"]
)
def test_a_plan_that_would_lose_data_is_refused_and_nothing_is_kept(
    reforge: Reforge, played: PlayedEngine, file: Path, kept: Path, operation: str
) -> None:
    played.steps = [Event("planned", urn("lunch"), operation)]
    ended = reforge("--json", "pause", "--no-diagnostics", "--yes", expect=3)
    assert ended.document["error"]["name"] == "data-loss"
    assert f"{operation} of lunch ({INSTANCE})" in ended.err
    assert file.read_text() == STACK
    assert list((kept / "plans").iterdir()) == []
    assert "up" not in played.calls


def test_a_refused_plan_never_takes_the_place_of_one_that_was_approved(
    reforge: Reforge, played: PlayedEngine, kept: Path
) -> None:
    reforge("pause", "--no-diagnostics")
    approved = (kept / "plans/local.json").read_text()
    played.steps = [Event("planned", urn("lunch"), "replace")]
    reforge(*RESTORE, expect=3)
    assert (kept / "plans/local.json").read_text() == approved
    played.steps = []
    assert reforge("--json", "status").document["state"] == "proposed"
    assert reforge("--json", "apply").document["position"] == "paused"


@pytest.mark.parametrize(("answer", "state"), [(True, "done"), (False, "proposed")])
def test_a_person_at_a_terminal_is_asked_whether_to_apply(
    reforge: Reforge,
    played: PlayedEngine,
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
    answer: bool,
    state: str,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Screen, "confirm", lambda _self, question: asked.append(question) or answer)
    reforge("pause", "--no-diagnostics")
    assert asked == ["Apply now?"]
    assert states(journal) == [f"pause {state}"]
    reforge("preview")
    assert asked == ["Apply now?"]  # a preview applies nothing


def test_a_proposal_of_what_is_so_already_leaves_nothing_to_apply(
    reforge: Reforge, kept: Path, journal: Journal
) -> None:
    reforge("pause", "--no-diagnostics", "--yes")
    assert "Nothing is left to apply." in reforge("pause", "--no-diagnostics").out
    assert states(journal) == ["pause done", "pause unchanged"]
    assert list((kept / "plans").iterdir()) == []
    assert reforge("--json", "status").document["state"] == "paused"


def test_a_cutover_notes_what_it_must_whether_at_once_or_by_a_plan(
    reforge: Reforge, played: PlayedEngine, accepted: Path, told: list[str]
) -> None:
    reforge("cutover", "before", "--yes")
    at_once, told[:] = list(told), []
    assert at_once == ["before before", "baseline before", "after before"]
    reforge("rollback", "--yes")
    assert told == ["written before", "written before in the end", "left before"]
    told.clear()
    reforge("cutover", "before")
    assert told == ["before before"]
    told.clear()
    ended = reforge("--json", "apply").document
    assert told == at_once
    assert (ended["of"], ended["of_subject"], ended["position"]) == ("cutover", "before", "recovered")


def test_what_resources_say_after_their_work_is_told_once(reforge: Reforge, played: PlayedEngine) -> None:
    played.notes = ["standby-1 was promoted", "two follows the promoted server"]
    ended = reforge("--json", *RESTORE, "--yes")
    assert ended.err.count("standby-1 was promoted\n") == 1
    assert ended.document["notes"] == played.notes


def test_a_rollback_by_a_plan_says_what_was_written(
    reforge: Reforge, played: PlayedEngine, accepted: Path, told: list[str]
) -> None:
    reforge("cutover", "before", "--yes")
    reforge("rollback")
    told.clear()
    reforge("apply")
    assert told == ["written before in the end", "left before"]


def test_a_cutover_to_what_is_not_validated_is_refused(
    reforge: Reforge, played: PlayedEngine, file: Path
) -> None:
    reforge(*RESTORE, "--yes")
    played.calls.clear()
    ended = reforge("cutover", "before", expect=3)
    assert "not validated" in ended.err
    assert "reforge validate before" in ended.err
    assert played.calls == []
    assert "is not a restore" in reforge("cutover", "befor", expect=2).err


def test_a_serving_restore_is_not_torn_down(reforge: Reforge, accepted: Path, told: list[str]) -> None:
    reforge("cutover", "before", "--yes")
    ended = reforge("--json", "teardown", "before", "--yes", expect=3)
    assert ended.document["error"]["name"] == "still-serving"
    assert "reforge rollback" in ended.err


def test_a_teardown_of_what_is_in_no_books_looks_for_what_was_left(
    reforge: Reforge, played: PlayedEngine
) -> None:
    out = reforge("teardown", "gone", "--yes").out
    assert "gone is not in the config" in out
    assert "Found what an earlier run left of gone." in out
    assert f"adopt {INSTANCE} gone /srv/restores/gone" in played.calls
    played.calls.clear()
    reforge("teardown", "gone", "--dry-run")
    assert not any(call.startswith("adopt") for call in played.calls)


def test_writers_come_back_in_two_steps_and_the_rollback_of_nothing_says_so(
    reforge: Reforge, file: Path
) -> None:
    reforge("pause", "--no-diagnostics", "--yes")
    assert reforge("--json", "resume", "--canary", "--yes").document["next"] == "resume"
    assert "reforge:writing: canary" in file.read_text()
    assert reforge("--json", "resume", "--yes").document["position"] == "normal"
    assert "The source serves already." in reforge("rollback", "--yes").out


def test_a_pause_without_its_diagnostics_says_so_and_pauses(reforge: Reforge, played: PlayedEngine) -> None:
    played.fails["secret source-url"] = Problem("engine-failed", "No passphrase.")
    ended = reforge("pause", "--yes")
    assert "No diagnostics of the source: No passphrase." in ended.out
    assert "Applied in" in ended.out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["restore", "x"], 2, "Restore x to what?"),
        (["restore", "x", "--time", "2025-01-01 12:00"], 2, "has no zone"),
        (["restore", "Wrong_Name", "--latest"], 2, "nearest: wrong-name"),
        (["restore", "x", "--latest", "--xid", "7"], 2, "exactly one of"),
        (["restore", "before", "--xid", "7"], 2, "already declared from latest True"),
        (["restore", "before", "--port", "5999"], 2, "never changed in place"),
        (["validate"], 2, "Give the name of a restore, or --url and --suite."),
        (["validate", "befor"], 2, "did you mean before?"),
        (["validate", "before", "--waive", "short", "--yes"], 2, "reforge:restores.before.waived.reason"),
        (["validate", "before"], 2, "is declared but not restored yet"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words_and_changes_nothing(
    reforge: Reforge, played: PlayedEngine, accepted: Path, words: list[str], code: int, told: str
) -> None:
    before = accepted.read_text()
    ended = reforge("--json", *words, expect=code)
    assert told in ended.err
    assert ended.document["error"]["exit"] == code
    assert accepted.read_text() == before
    assert "up" not in played.calls


@pytest.mark.parametrize("target", [[], ["--latest"]])
def test_a_restore_that_is_declared_goes_on_by_the_same_command(
    reforge: Reforge, accepted: Path, target: list[str]
) -> None:
    before = accepted.read_text()
    assert reforge("--json", "restore", "before", *target, "--yes").document["state"] == "done"
    assert accepted.read_text() == before


def test_a_restore_is_waived_with_a_reason(reforge: Reforge, file: Path, journal: Journal) -> None:
    reforge(*RESTORE, "--port", "5999", "--yes")
    document = reforge(
        "--json", "validate", "before", "--waive", "a drill, nobody reads it", "--yes"
    ).document
    assert document["position"] == "validated"
    assert document["next"] == "cutover before"
    assert "reason: a drill, nobody reads it" in file.read_text()


def test_a_run_that_lives_is_not_disturbed_and_one_that_was_killed_is_gone_on_from(
    reforge: Reforge, played: PlayedEngine, journal: Journal
) -> None:
    journal.begin("restore", "before", "reforge restore before --yes")
    ended = reforge("pause", "--no-diagnostics", "--yes", expect=3)
    assert "`reforge restore before --yes` is still running" in ended.err
    text = journal.path.read_text().replace(f'"pid": {os.getpid()}', f'"pid": {2**22 + 1}')
    journal.path.write_text(text + json.dumps({"event": "engine", "engine": 2**22 + 2}) + "\n")
    status = reforge("--json", "status").document
    assert (status["state"], status["next"]) == ("interrupted", "restore before --yes")
    out = reforge("pause", "--no-diagnostics", "--yes").out
    assert "was killed before it ended; going on from there" in out
    assert "unlock" in played.calls
    assert states(journal)[-2:] == ["restore killed", "pause done"]


def test_after_a_run_that_failed_in_moving_the_next_one_looks_first(
    reforge: Reforge, played: PlayedEngine
) -> None:
    reforge("pause", "--no-diagnostics", "--yes")
    assert "take stock" not in played.calls
    played.fails = {"up": Problem("made-up", "Made up.")}
    reforge("resume", "--yes", expect=1)
    played.fails, played.calls[:] = {}, []
    reforge("pause", "--no-diagnostics", "--dry-run")
    assert played.calls[:2] == ["take stock", "preview"]
    reforge("pause", "--no-diagnostics", "--yes")
    played.calls.clear()
    reforge("resume", "--yes")
    assert "take stock" not in played.calls


def test_without_a_journal_the_state_tells_that_a_run_has_died(
    reforge: Reforge, played: PlayedEngine
) -> None:
    played.halted = True
    reforge("pause", "--no-diagnostics", "--yes")
    assert played.calls[0] == "take stock"
    played.calls.clear()
    reforge("resume", "--yes")
    assert "take stock" not in played.calls


def test_a_wrong_config_is_told_by_a_stage_before_the_engine_is_asked(
    reforge: Reforge, played: PlayedEngine, file: Path
) -> None:
    file.write_text(STACK.replace("writing: all", "writing: some").replace("serving: source", "serving: x"))
    ended = reforge("preview", expect=2)
    assert "reforge:writing" in ended.err
    assert "reforge:serving" in ended.err
    assert "preview" not in played.calls
