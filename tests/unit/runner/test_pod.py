"""The command of a pod: what it ends with."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbrestore.handler import Context
from dbrestore.jobs.manifest import FORMAT
from dbrestore.jobs.results import problem_of, result_of
from problem import Problem
from runner import pod


@pytest.fixture
def message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setenv("REFORGE_RESULT", str(tmp_path / "message"))
    monkeypatch.setenv("REFORGE_FORMAT", FORMAT)
    yield tmp_path / "message"
    signal.signal(signal.SIGTERM, before)


def ending(problem: Problem | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(words: object, known: object, context: Context) -> dict[str, int]:
        if problem:
            raise problem
        context.progress("loading 1 %")
        context.progress("loading 2 %")
        context.progress("building 1 indexes")
        return {"rows": 3}

    monkeypatch.setattr(pod, "_work", work)


def test_what_was_done_ends_with_0_and_its_result(
    message: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ending(None, monkeypatch)
    assert pod.main(["load", "data"]) == 0
    assert result_of(message.read_text(), str) == {"rows": 3}
    assert capsys.readouterr().out == "loading 1 %\nbuilding 1 indexes\n", "the first of each phase at once"


@pytest.mark.parametrize(
    ("name", "code"), [("load-failed", 75), ("storage-unreachable", 75), ("dump-missing", 1)]
)
def test_a_problem_says_by_its_exit_code_whether_another_try_may_help(
    message: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    ending(Problem(name, "Because."), monkeypatch)
    assert pod.main(["load", "data"]) == code
    found = problem_of(message.read_text())
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("words", [[], ["load"], ["drop", "everything"]])
def test_other_words_are_no_work(message: Path, words: list[str]) -> None:
    assert pod.main(words) == 2
    found = problem_of(message.read_text())
    assert found is not None
    assert found.name == "runner-unknown-work"


def test_an_image_of_another_format_says_so(message: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFORGE_FORMAT", "0")
    assert pod.main(["load", "data"]) == 1
    found = problem_of(message.read_text())
    assert found is not None
    assert found.name == "runner-image-old"
