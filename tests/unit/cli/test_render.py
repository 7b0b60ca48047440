"""The screen: plain lines with times in a pipeline, colours on a terminal only, one JSON document."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable

import pytest

from cli.masking import masked
from cli.render import Progress, Screen
from problem import Problem


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Terminal]:
    """Puts a terminal in place of stdout; within the test, for pytest sets its own before each phase."""

    def begin() -> Terminal:
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        terminal = Terminal()
        monkeypatch.setattr(sys, "stdout", terminal)
        return terminal

    return begin


def test_without_a_terminal_there_are_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.heading("Backups:")
    screen.success("Done.")
    screen.diff("+ a\n- b\n  c")
    screen.table(["name", "size"], [["monday", "12 MiB"]])
    screen.next("reforge status")
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.splitlines() == [
        "",
        "Backups:",
        "Done.",
        "+ a",
        "- b",
        "  c",
        "name    size",
        "monday  12 MiB",
        "Next: reforge status",
    ]


def test_a_terminal_shows_colours(at_terminal: Callable[[], Terminal]) -> None:
    terminal = at_terminal()
    screen = Screen()
    screen.diff("+ a")
    screen.table(["name"], [["monday"]])
    assert "\x1b[32m+ a" in terminal.getvalue()
    assert "monday" in terminal.getvalue()


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_wants_no_colours_gets_none(
    at_terminal: Callable[[], Terminal], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    terminal = at_terminal()
    monkeypatch.setenv(name, value)
    screen = Screen()
    screen.success("Done.")
    screen.table(["name"], [["monday"]])
    assert "\x1b" not in terminal.getvalue()


def test_with_json_words_go_to_stderr_and_one_document_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(as_json=True)
    screen.say("words")
    screen.document({"state": "first"})
    screen.document({"state": "second"})
    screen.problem(Problem("late", "This failed."))
    out, err = capsys.readouterr()
    assert json.loads(out) == {"state": "first"}
    assert err == "words\nError: This failed.\n"


def test_a_document_is_not_printed_for_people_unless_it_is_all_there_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Screen().document({"a": 1})
    assert capsys.readouterr().out == ""
    Screen().document({"a": 1}, always=True)
    assert json.loads(capsys.readouterr().out) == {"a": 1}


def test_progress_in_a_log_has_a_line_with_its_time_for_each_phase_and_quarter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Screen().progress() as progress:
        for percent in range(0, 101, 5):
            progress.tell("before", f"copying {percent} %, 12 MiB/s")
        progress.tell("before", "replaying WAL, 3 of 9")
        progress.tell("before", "replaying WAL, 4 of 9")
        progress.done("before", "create done")
    lines = capsys.readouterr().out.splitlines()
    assert all(re.match(r"\d\d:\d\d:\d\dZ before: ", line) for line in lines)
    assert [line[18:] for line in lines] == [
        "copying 0 %, 12 MiB/s",
        "copying 25 %, 12 MiB/s",
        "copying 50 %, 12 MiB/s",
        "copying 75 %, 12 MiB/s",
        "copying 100 %, 12 MiB/s",
        "replaying WAL, 3 of 9",
        "create done",
    ]


def test_progress_on_a_terminal_leaves_what_is_done(at_terminal: Callable[[], Terminal]) -> None:
    terminal = at_terminal()
    with Screen().progress() as progress:
        assert isinstance(progress, Progress)
        progress.tell("before", "copying 10 %")
        progress.done("before", "create done")
    assert "before: create done" in terminal.getvalue()


@pytest.mark.parametrize(("answer", "expected"), [("y\n", True), ("n\n", False), ("\n", False), ("", False)])
def test_a_question_is_asked_on_a_terminal_and_only_yes_is_yes(
    at_terminal: Callable[[], Terminal], monkeypatch: pytest.MonkeyPatch, answer: str, expected: bool
) -> None:
    terminal = at_terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert Screen().confirm("Apply now?") is expected
    assert "Apply now? [y/N]" in terminal.getvalue()


def test_a_question_is_not_asked_without_a_terminal_or_of_a_script(
    at_terminal: Callable[[], Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = at_terminal()
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert not Screen().confirm("Apply now?")
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert not Screen(as_json=True).confirm("Apply now?")
    assert terminal.getvalue() == ""


class Gone(io.StringIO):
    def write(self, _text: str) -> int:
        raise BrokenPipeError

    def fileno(self) -> int:
        raise OSError


def test_work_goes_on_where_nobody_reads_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Gone())
    screen = Screen()
    screen.say("heard by nobody")
    screen.document({"a": 1}, always=True)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://app:s3cret@db:5432/x", "postgresql://app:***@db:5432/x"),
        ("postgres://app:p@ss:w/rd@db/x and more", "postgres://app:***@db/x and more"),
        ("host=db password=s3cret user=app", "host=db password=*** user=app"),
        ("host=db password = 'two words'", "host=db password = ***"),
        ("postgresql://app@db/x", "postgresql://app@db/x"),
        ("unix:///run/supervisor.sock", "unix:///run/supervisor.sock"),
    ],
)
def test_passwords_are_masked_wherever_they_stand(text: str, shown: str) -> None:
    assert masked(text) == shown
