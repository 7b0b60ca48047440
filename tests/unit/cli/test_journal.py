"""The journal: every run, how it ended or that it was killed, and what later stages need to know."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cli.journal import Journal, typed_command

BEGIN = ("restore", "before", "reforge restore before --latest")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal" / "local.jsonl")


def test_a_run_is_told_from_its_beginning_to_its_end(journal: Journal) -> None:
    assert journal.runs() == []
    assert journal.last() is None
    journal.begin(*BEGIN)
    run = journal.last()
    assert run is not None
    assert (run.stage, run.subject, run.command) == BEGIN
    assert run.alive
    assert not run.killed
    journal.engine(os.getpid())
    journal.end("done", digest="sha256:1")
    run = journal.last()
    assert run is not None
    assert (run.state, run.engine, run.facts) == ("done", os.getpid(), {"digest": "sha256:1"})
    assert not run.alive
    assert not run.killed


def test_the_journal_is_for_its_owner_alone(journal: Journal) -> None:
    journal.begin(*BEGIN)
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700


def dead() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    return ended.pid


@pytest.mark.parametrize("born", ["", "1"])
def test_a_run_whose_processes_are_gone_was_killed(journal: Journal, born: str) -> None:
    journal.begin(*BEGIN)
    line = json.loads(journal.path.read_text())
    # The pid may be another process's by now: then that one's start differs.
    entry = line | ({"pid": dead()} if born == "" else {"born": born})
    journal.path.write_text(json.dumps(entry) + "\n")
    run = journal.last()
    assert run is not None
    assert run.killed
    assert not run.alive


def test_a_run_lives_as_long_as_its_engine_does(journal: Journal) -> None:
    journal.begin(*BEGIN)
    entry = json.loads(journal.path.read_text()) | {"pid": dead()}
    journal.path.write_text(json.dumps(entry) + "\n")
    journal.engine(os.getpid())
    run = journal.last()
    assert run is not None
    assert run.alive


def test_a_line_that_was_cut_short_spoils_neither_what_was_nor_what_comes(journal: Journal) -> None:
    journal.begin(*BEGIN)
    journal.end("done")
    with journal.path.open("a") as file:
        file.write('{"event": "begin", "stage": "cut')
    assert [run.state for run in journal.runs()] == ["done"]
    journal.begin("pause", "", "reforge pause")
    assert [run.stage for run in journal.runs()] == ["restore", "pause"]


def test_lines_that_are_of_another_version_are_passed_over(journal: Journal) -> None:
    journal.begin(*BEGIN)
    entry = json.loads(journal.path.read_text())
    lines = [{"event": "end", "state": "before any run"}, [1], entry | {"mood": "good"}]
    journal.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert [run.stage for run in journal.runs()] == ["restore"]


def test_the_newest_fact_counts_and_one_noted_after_the_end_stays_with_its_run(journal: Journal) -> None:
    for value in (1, 2):
        journal.begin(*BEGIN)
        journal.end("done")
        journal.note(written=value)
    journal.begin("pause", "", "reforge pause")
    assert journal.fact("written") == 2
    assert journal.fact("nothing") is None


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("-C /srv/x --json restore before --yes", "reforge restore before --yes"),
        ("--stack prod --project=/x --debug pause", "reforge pause"),
        ("init --url postgresql://app:hunter2@db/x", "reforge init --url postgresql://app:***@db/x"),
        ("validate x --waive 'two words'", "reforge validate x --waive 'two words'"),
    ],
)
def test_what_was_typed_is_kept_without_project_stack_and_passwords(
    monkeypatch: pytest.MonkeyPatch, typed: str, command: str
) -> None:
    import shlex

    monkeypatch.setattr(sys, "argv", ["reforge", *shlex.split(typed)])
    assert typed_command() == command
