"""The door to Pulumi: its environment, its errors in words, its end in order; the engine itself is played."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.engine import Engine, environment_lines
from cli.events import Event, Outcome
from cli.failures import explained
from problem import Problem
from tests.support.servers import wait_until
from toolchain import engine as found_engine

PROGRAM = """#!{python}
import json, os, signal, sys, time
words = sys.argv[1:]
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps(words) + "\\n")
played = json.load(open(os.environ["PLAYED"]))
if "--event-log" in words:
    with open(words[words.index("--event-log") + 1], "a") as log:
        for line in played.get("events", []):
            log.write(json.dumps(line) + "\\n")
print(played.get("out", ""))
print(played.get("err", ""), file=sys.stderr)
if "given" in played:
    print(sys.stdin.read())
sys.stdout.flush()
if played.get("waits"):
    def end(*_):
        open(os.environ["CALLS"], "a").write('["SIGINT"]\\n')
        sys.exit(1)
    signal.signal(signal.SIGINT, end)
    open(os.environ["CALLS"], "a").write('["ready"]\\n')
    while True:
        time.sleep(0.01)
if played.get("dies") == words[0]:
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(played.get("code", 0))
"""
FLAG = "urn:pulumi:local::reforge::dbrestore:envfile:Entry::flag"


class Program:
    """A `pulumi` that does what it is told and writes down how it was called."""

    def __init__(self, folder: Path) -> None:
        self.path, self.calls_file, self.played = folder / "pulumi", folder / "calls", folder / "played"
        self.path.write_text(PROGRAM.replace("{python}", sys.executable))
        self.path.chmod(0o755)
        self.plays()

    def plays(self, **how: Any) -> None:
        self.played.write_text(json.dumps(how))

    @property
    def calls(self) -> list[list[str]]:
        if not self.calls_file.exists():
            return []
        return [json.loads(line) for line in self.calls_file.read_text().splitlines()]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    made = Program(tmp_path)
    for name in [name for name in os.environ if name.startswith("PULUMI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CALLS", str(made.calls_file))
    monkeypatch.setenv("PLAYED", str(made.played))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    engine = found_engine.Engine(made.path, "3.259.0", "path")
    monkeypatch.setattr(found_engine, "find_engine", lambda: engine)
    return made


@pytest.fixture
def engine(tmp_path: Path, program: Program) -> Engine:
    folder = tmp_path / ".reforge"
    folder.mkdir(mode=0o700)
    return Engine(tmp_path, "local", folder)


def test_by_default_the_state_lies_in_the_project_under_a_passphrase_made_once(
    engine: Engine, tmp_path: Path
) -> None:
    environment = engine.environment
    assert environment["PULUMI_BACKEND_URL"] == (engine.folder / "state").as_uri()
    passphrase = Path(environment["PULUMI_CONFIG_PASSPHRASE_FILE"])
    assert stat.S_IMODE(passphrase.stat().st_mode) == 0o600
    assert len(passphrase.read_text()) >= 32
    again = Engine(tmp_path, "local", engine.folder).environment
    assert Path(again["PULUMI_CONFIG_PASSPHRASE_FILE"]).read_text() == passphrase.read_text()


def test_who_is_logged_in_or_names_a_backend_keeps_it(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/credentials.json").write_text('{"current": "https://api.pulumi.com"}')
    assert "PULUMI_BACKEND_URL" not in engine.environment
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of mine")
    other = Engine(tmp_path, "local", engine.folder).environment
    assert other["PULUMI_BACKEND_URL"] == "s3://bucket"
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in other


def test_a_bare_pulumi_is_told_what_ours_has_and_no_more(engine: Engine) -> None:
    lines = "\n".join(environment_lines(engine.environment))
    assert "export PULUMI_BACKEND_URL=" in lines
    assert "CALLS" not in lines


def test_without_an_engine_the_command_that_gets_one_is_told(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found_engine, "find_engine", lambda: None)
    with pytest.raises(Problem, match="make engine"):
        engine.outputs()


def test_a_secret_goes_through_stdin_and_never_through_arguments(engine: Engine, program: Program) -> None:
    program.plays(given=True)
    engine.keep_secret("endpoints[0].pgbouncer.admin", "hunter2", path=True)
    said = " ".join(program.calls[0])
    assert said.startswith("config set --secret reforge:endpoints[0].pgbouncer.admin --path --stack local")
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("act", "out", "answer", "call"),
    [
        (lambda engine: engine.outputs(), '{"url": "u"}', {"url": "u"}, "stack output --json --show-secrets"),
        (lambda engine: engine.secret("source-url"), " text \n", "text", "config get reforge:source-url"),
        (lambda engine: engine.state(), '{"deployment": {"a": 1}}', {"a": 1}, "stack export"),
        (lambda engine: engine.adopt("t", "n", "i"), "", True, "import t n i"),
    ],
)
def test_a_question_is_one_call(
    engine: Engine, program: Program, act: Callable[[Engine], Any], out: str, answer: Any, call: str
) -> None:
    program.plays(out=out)
    assert act(engine) == answer
    assert " ".join(program.calls[0]).startswith(call)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda engine: engine.make_stack(), "error: stack 'local' already exists"),
        (lambda engine: engine.unlock(), "error: the stack is not locked"),
    ],
)
def test_what_is_so_already_is_no_error(
    engine: Engine, program: Program, act: Callable[[Engine], Any], words: str
) -> None:
    program.plays(err=words, code=255)
    act(engine)
    program.plays(err="error: something else", code=255)
    with pytest.raises(Problem, match="something else"):
        act(engine)


def test_what_the_plugin_does_not_know_is_not_adopted(engine: Engine, program: Program) -> None:
    program.plays(err="error: resource 'x' does not exist", code=255)
    assert engine.adopt("t", "n", "i") is False
    program.plays(err="error: the disk is full", code=255)
    with pytest.raises(Problem, match="disk is full"):
        engine.adopt("t", "n", "i")


def step(op: str, **more: Any) -> dict[str, Any]:
    return {"resourcePreEvent": {"metadata": {"op": op, "urn": FLAG}, **more}}


def test_a_run_is_followed_and_leaves_no_files(engine: Engine, program: Program, tmp_path: Path) -> None:
    events = [step("update"), {"summaryEvent": {"resourceChanges": {"update": 1}}}]
    program.plays(events=events, out="Resources:\n    ~ 1 to update")
    heard: list[Event] = []
    pids: list[int] = []
    preview = engine.preview(tmp_path / "c.yaml", tmp_path / "plan.json", heard.append)
    done = engine.up(tmp_path / "plan.json", heard.append, pids.append, checked=True)
    engine.up(tmp_path / "plan.json", heard.append, pids.append, checked=False)
    engine.preview(None, None, heard.append)
    assert preview.changes == done.changes == {"update": 1}
    assert done.diff == "Resources:\n    ~ 1 to update"
    assert [event.operation for event in heard] == ["update"] * 4
    assert len(pids) == 2
    assert list((engine.folder / "runs").iterdir()) == []
    said = [" ".join(call) for call in program.calls]
    assert "--config-file" in said[0]
    assert "--save-plan" in said[0]
    assert "--skip-preview" in said[1]
    assert "--skip-preview" not in said[2]


def test_stock_is_taken_of_what_is_ours_alone(engine: Engine, program: Program) -> None:
    group = FLAG.replace("envfile:Entry", "supervisor:Group")
    found = [("dbrestore:envfile:Entry", FLAG), ("dbrestore:supervisor:Group", group)]
    others = [("aws:rds/instance:Instance", "urn:a"), ("pulumi:providers:dbrestore", "urn:b")]
    resources = [{"type": kind, "urn": urn} for kind, urn in found + others]
    program.plays(out=json.dumps({"deployment": {"resources": resources}}))
    engine.take_stock(lambda _event: None)
    words = program.calls[-1]
    assert words[:7] == ["refresh", "--yes", "--skip-preview", "--target", FLAG, "--target", group]
    assert words.count("--target") == 2
    program.plays(out='{"deployment": {}}')
    assert engine.take_stock(lambda _event: None) is None


@pytest.mark.parametrize(
    ("kind", "operation", "expected"),
    [("dbrestore:pgbouncer:Route", "updating", True), ("aws:rds/instance:Instance", "updating", False),
     ("dbrestore:postgres:Instance", "creating", False)],
)  # fmt: skip
def test_a_run_that_died_in_moving_something_is_known_by_the_state(
    engine: Engine, program: Program, kind: str, operation: str, expected: bool
) -> None:
    pending = [{"type": operation, "resource": {"urn": "urn:a", "type": kind}}]
    program.plays(out=json.dumps({"deployment": {"pending_operations": pending}}))
    assert engine.halted is expected


def test_a_run_that_fails_is_told_by_its_resources_and_its_files_stay(
    engine: Engine, program: Program
) -> None:
    error = {"diagnosticEvent": {"urn": FLAG, "severity": "error", "message": "/srv/f.env cannot be read.\n"}}
    warning = "warning: Attempting to deploy with 1 pending operations from previous deployment."
    program.plays(events=[error], out=f"{warning}\nerror: update failed", code=255)
    with pytest.raises(Problem) as caught:
        engine.preview(None, None, lambda _event: None)
    assert (caught.value.name, caught.value.what) == ("engine-failed", "/srv/f.env cannot be read.")
    (folder,) = (engine.folder / "runs").iterdir()
    assert warning in (folder / "output.txt").read_text()


@pytest.mark.parametrize("prefix", ["", "before-accident: "])
def test_a_problem_of_the_plugin_keeps_its_name_and_its_cure(prefix: str) -> None:
    told = prefix + Problem("port-taken", "Port 5432 is taken.", "Give another port.\nOr none.").message
    problem = explained("error: update failed", "local", Outcome(errors=[told]))
    assert (problem.name, problem.what) == ("port-taken", f"{prefix}Port 5432 is taken.")
    assert problem.cure == "Give another port.\nOr none."


def test_what_a_plan_still_expected_is_no_error_of_its_own(engine: Engine, program: Program) -> None:
    told = Problem("supervisor-unreachable", "It is down.", "Start it.").message
    texts = [told, "expected resource operations for urn:pulumi:x::flag but none were seen", "update failed"]
    said = [{"urn": FLAG, "severity": "error", "message": text} for text in texts]
    program.plays(events=[{"diagnosticEvent": one} for one in said], out="error: update failed", code=255)
    with pytest.raises(Problem) as caught:
        engine.preview(None, None, lambda _event: None)
    assert (caught.value.name, caught.value.what) == ("supervisor-unreachable", "It is down.")


def test_several_problems_are_told_by_the_name_of_the_first_that_has_one() -> None:
    told = ["somebody else's words", Problem("no-space", "Full.").message]
    problem = explained("error: update failed", "local", Outcome(errors=told))
    assert (problem.name, problem.what) == ("no-space", "somebody else's words\nFull. [no-space]")


def test_an_engine_that_is_killed_is_unlocked_and_told(engine: Engine, program: Program) -> None:
    program.plays(dies="preview")
    with pytest.raises(Problem, match="ended by SIGKILL") as caught:
        engine.preview(None, None, lambda _event: None)
    assert caught.value.name == "engine-killed"
    assert program.calls[-1][0] == "cancel"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a bug of ours")])
def test_whatever_stops_us_the_engine_is_asked_to_end_and_is_waited_for(
    engine: Engine, program: Program, error: BaseException
) -> None:
    program.plays(events=[step("update")], waits=True)
    heard: list[str] = []

    def stop(event: Event) -> None:
        heard.append(event.text)
        if event.kind == "began":
            wait_until(lambda: ["ready"] in program.calls)
            raise error

    with pytest.raises(type(error)):
        engine.preview(None, None, stop)
    assert program.calls[-1] == ["SIGINT"]
    assert "please wait" in heard[-1]


@pytest.mark.parametrize(
    ("text", "name", "cure"),
    [
        ("error: the stack is currently locked by 1 lock(s)", "stack-locked", "reforge status"),
        ("error: resource violates plan: changed", "plan-outdated", "again"),
        ("error: incorrect passphrase", "wrong-passphrase", "PULUMI_CONFIG_PASSPHRASE"),
        ("error: no stack named 'x' found", "no-stack", "reforge init"),
        ("error: 1 resource(s) with pending operations", "pending-operations", "reforge status"),
        ("error: dbrestore plugin did not begin responding to RPC connections", "plugin-killed", "again"),
        ("warning: pending operations\nerror: the disk is full", "engine-failed", ""),
        ("one\ntwo\nthree\nfour\nfive\nsix", "engine-failed", ""),
        ("", "engine-failed", ""),
    ],
)
def test_the_engines_errors_have_names_and_cures(text: str, name: str, cure: str) -> None:
    problem = explained(text, "local")
    assert problem.name == name
    assert cure in problem.cure
    assert problem.what


def test_the_words_of_a_clouds_own_provider_have_names_of_ours() -> None:
    told = [
        "creating urn: googleapi: Error 409: The Cloud SQL instance already exists., instanceAlreadyExists",
        "update failed",
    ]
    problem = explained("error: update failed", "prod", Outcome(errors=told))
    assert problem.name == "cloudsql-name-reserved"
    assert problem.cure.startswith("Take another name")
    assert told[0] in problem.what


def test_what_the_resources_said_is_told_first() -> None:
    outcome = Outcome(errors=["The disk is full.", "The other too."])
    assert explained("error: update failed", "local", outcome).what == "The disk is full.\nThe other too."
    assert explained("one\n\ntwo", "local").what == "one\ntwo"
    assert explained("", "local").what == "it said nothing"


def test_attributes_that_a_killed_engine_cut_short_go_with_its_lock(engine: Engine, program: Program) -> None:
    stacks = Path(engine.environment["PULUMI_BACKEND_URL"].removeprefix("file://")) / ".pulumi/stacks/reforge"
    stacks.mkdir(parents=True)
    whole, torn = stacks / "local.json.bak.attrs", stacks / "local.json.attrs"
    whole.write_text("{}")
    torn.touch()
    engine.unlock()
    assert sorted(stacks.iterdir()) == [whole]
    assert program.calls[-1][0] == "cancel"
