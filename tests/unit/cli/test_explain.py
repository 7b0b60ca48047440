"""``reforge explain``, and the line of an error that leads to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from cli import explanations
from cli.commands.explain import command
from cli.main import reforge
from cli.render import Screen
from cli.session import Session
from problem import Misuse, Problem, Refusal


def explain(*words: str, as_json: bool = False) -> None:
    command.main(list(words), obj=Session(Screen(as_json), None, None), standalone_mode=False)


def test_an_error_is_explained_with_its_cause_its_cure_and_its_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    explain("no-plan")
    out = capsys.readouterr().out
    known = explanations.entry("no-plan")
    assert out == (f"no-plan: {known.meaning}\nCause: {known.cause}\nCure: {known.cure}\nExit code 3.\n")


def test_scripts_get_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    explain("not-ours", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"name", "section", "meaning", "cause", "cure", "exit"}
    assert (found["name"], found["exit"]) == ("not-ours", [1])


def test_without_a_name_all_errors_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    explain(as_json=True)
    found = json.loads(capsys.readouterr().out)["errors"]
    assert [one["name"] for one in found] == list(explanations.entries())


def test_a_misspelt_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(Misuse, match="did you mean wal-missing") as refused:
        explain("wal-mising")
    assert refused.value.name == "not-explained"


def test_names_are_completed() -> None:
    completed = ShellComplete(reforge, {}, "reforge", "_X").get_completions(["explain"], "wal-m")
    assert [one.value for one in completed] == ["wal-missing"]


@pytest.mark.parametrize(
    ("problem", "last"),
    [
        (Refusal("no-plan", "There is no plan."), "More: reforge explain no-plan"),
        (Problem("interrupted", "Interrupted."), "Error: Interrupted."),
        (Problem("of-nobody", "It failed."), "Error: It failed."),
    ],
)
def test_a_message_leads_to_the_explanation_where_there_is_one(
    problem: Problem, last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Screen().problem(problem)
    assert capsys.readouterr().err.splitlines()[-1] == last


def test_an_error_is_told_without_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(explanations, "DOCUMENT", tmp_path / "gone.md")
    Screen().problem(Refusal("no-plan", "There is no plan."))
    assert capsys.readouterr().err == "Error: There is no plan.\n"


def test_an_entry_without_a_part_is_a_defect_of_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "errors.md"
    page.write_text("## Of all\n\n### half\n\nExit 1. Half an entry.\n\n- Cause: haste.\n")
    monkeypatch.setattr(explanations, "DOCUMENT", page)
    with pytest.raises(ValueError, match="line 3: half"):
        explanations.entries()
