"""What a pod hands back: by its status where it fits, by its log where it does not."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from dbrestore.jobs.results import MARK, MESSAGE_BYTES, problem_of, result_of, told, told_problem
from problem import Problem, Refusal


def unread() -> str:
    raise AssertionError("the log was asked for")


def large() -> dict[str, str]:
    """What does not shrink to 4 KB."""
    return {"report": "".join(sha256(str(i).encode()).hexdigest() for i in range(600))}


def test_a_small_result_stands_in_the_message_and_no_log_is_read() -> None:
    said: list[str] = []
    message = told({"rows": 3}, said.append)
    assert result_of(message, unread) == {"rows": 3}
    assert said == []


def test_a_large_result_stands_in_the_log_among_other_lines() -> None:
    said = ["check 1 of 2"]
    message = told(large(), said.append)
    said.append("something after it")
    assert len(message) <= MESSAGE_BYTES
    assert result_of(message, lambda: "\n".join(said)) == large()


@pytest.mark.parametrize("left", [0, 1, -1])
def test_a_log_that_is_not_whole_is_a_lost_result_and_no_other_result(left: int) -> None:
    said: list[str] = []
    message = told(large(), said.append)
    with pytest.raises(Problem) as caught:
        result_of(message, lambda: "\n".join(said[:left]))
    assert caught.value.name == "runner-result-lost"


@pytest.mark.parametrize("message", ["", "Traceback", "[]", "{}"])
def test_a_message_of_somebody_else_is_a_lost_result(message: str) -> None:
    with pytest.raises(Problem, match="neither in its pod's status nor in its log"):
        result_of(message, lambda: MARK)
    assert problem_of(message) is None


def test_a_problem_comes_back_with_its_name_its_kind_and_its_cure() -> None:
    problem = problem_of(told_problem(Refusal("target-not-empty", "It is not empty.", "Give another.")))
    assert isinstance(problem, Refusal)
    assert (problem.name, problem.what, problem.cure) == (
        "target-not-empty",
        "It is not empty.",
        "Give another.",
    )


def test_a_long_problem_is_shortened_until_it_fits() -> None:
    message = told_problem(Problem("restore-incomplete", "häßlich " * 2000, "Mend it."))
    assert len(message.encode()) <= MESSAGE_BYTES
    assert json.loads(message)["name"] == "restore-incomplete"
    found = problem_of(message)
    assert found is not None
    assert found.what.startswith("häßlich")
