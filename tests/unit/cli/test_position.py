"""Every named state of an incident, and the command that is safe next."""

from __future__ import annotations

import os
from typing import Any

import pytest

from cli.journal import Run
from cli.position import applied, position, unsettled

NOW, OTHER = "sha256:now", "sha256:other"
DEAD = 2**22 + 7
RESTORED = {"restores": {"lunch": {}, "tea": {}}}
VALIDATED = {"restores": {"lunch": {"validated": {"by": "sre"}}, "tea": {}}}
TRIED = VALIDATED | {"canary": {"restore": "lunch"}}
WAIVED = {"restores": {"lunch": {}, "tea": {"waived": {"reason": "a drill"}}}}


def run(state: str, command: str = "x", *, digest: str | None = None, engine: int = DEAD, **more: Any) -> Run:
    facts = {"digest": digest} if digest else {}
    stage = command.split()[0]
    return Run(
        stage,
        f"reforge {command}",
        "sre",
        "2025-01-01",
        more.pop("pid", DEAD),
        "",
        "",
        engine,
        "",
        state,
        "",
        facts | more,
    )


DONE = run("done", digest=NOW)


@pytest.mark.parametrize(
    ("raw", "state", "following"),
    [
        ({}, "normal", ""),
        ({"writing": "none"}, "paused", "sources"),
        (RESTORED, "restored", "validate tea"),
        (RESTORED | {"writing": "none"}, "restored", "validate tea"),
        (VALIDATED, "validated", "cutover lunch"),
        (WAIVED | {"writing": "none"}, "validated", "cutover tea"),
        (VALIDATED | {"serving": "lunch", "writing": "none"}, "cut-over", "resume --canary"),
        (VALIDATED | {"serving": "lunch", "writing": "canary"}, "canary", "resume"),
        (VALIDATED | {"serving": "lunch"}, "recovered", ""),
        ({"writing": "canary"}, "canary", "resume"),
        (TRIED | {"writing": "none"}, "canary-up", "cutover lunch --canary --traffic"),
        (TRIED, "canary-up", "pause"),
        (TRIED | {"canary": {"restore": "lunch", "traffic": True}}, "canary-serving", "cutover lunch"),
        (TRIED | {"serving": "tea", "writing": "none"}, "canary-up", "cutover lunch --canary --traffic"),
        (VALIDATED | {"canary": "lunch"}, "validated", "cutover lunch"),
    ],
)
def test_what_is_applied_decides_where_the_incident_stands(
    raw: dict[str, Any], state: str, following: str
) -> None:
    now = position(raw, NOW, [DONE])
    assert (now.state, now.next) == (state, following)
    assert now.words.endswith(".")


@pytest.mark.parametrize(
    ("runs", "state", "following"),
    [
        ([], "not-applied", "preview"),
        ([run("done", digest=OTHER)], "not-applied", "preview"),
        ([DONE, run("", "restore a --yes", pid=os.getpid(), engine=0)], "running", "status"),
        ([DONE, run("", "restore a --yes")], "interrupted", "restore a --yes"),
        ([DONE, run("killed", "restore a --yes")], "interrupted", "restore a --yes"),
        ([DONE, run("interrupted", "cutover a --yes")], "interrupted", "cutover a --yes"),
        ([DONE, run("failed", "restore a --yes", why="no disk")], "failed", "restore a --yes"),
        ([DONE, run("failed", "restore a", why="no such WAL", engine=0)], "failed", ""),
        ([DONE, run("refused", "cutover b", engine=0)], "normal", ""),
        ([DONE, run("dry-run", "cutover b", engine=0)], "normal", ""),
        ([DONE, run("unchanged", "pause", engine=0)], "normal", ""),
        ([run("proposed", "pause", digest=NOW, engine=0)], "proposed", "apply"),
        (
            [run("proposed", "pause", digest=NOW, engine=0), run("refused", "cutover b", engine=0)],
            "proposed",
            "apply",
        ),
        ([run("proposed", "pause", digest=OTHER, engine=0)], "not-applied", "preview"),
        (
            [run("proposed", "teardown a", digest=NOW, engine=0), run("outdated", "apply", engine=0)],
            "not-applied",
            "teardown a",
        ),
        (
            [run("proposed", "teardown a", digest=OTHER, engine=0), run("outdated", "apply", engine=0)],
            "not-applied",
            "teardown a",
        ),
        (
            [run("proposed", "teardown a", digest=NOW, engine=0), run("failed", "apply")],
            "failed",
            "teardown a",
        ),
        ([run("failed", "apply")], "failed", "preview"),
        ([run("failed", "init --yes")], "failed", "preview"),
        ([run("proposed", "init", digest=NOW, engine=0), run("", "apply")], "interrupted", "preview"),
        (
            [DONE, run("failed", "pause --yes"), run("passed", "validate a", engine=0)],
            "not-applied",
            "preview",
        ),
    ],
)
def test_what_ran_last_decides_before_what_is_applied(runs: list[Run], state: str, following: str) -> None:
    now = position({}, NOW, runs)
    assert (now.state, now.next) == (state, following)


PAUSED = {"writing": "none"}


@pytest.mark.parametrize(
    ("raw", "problem", "following"),
    [
        (PAUSED, "wal-missing", "restore a --yes"),
        ({}, "port-taken", "restore a --yes"),
        (PAUSED, "target-in-future", "sources"),
        ({}, "target-before-backup", "sources"),
        (VALIDATED, "no-backup", "cutover lunch"),
    ],
)
def test_what_came_to_nothing_is_done_again_once_mended_unless_it_was_typed_wrong(
    raw: dict[str, Any], problem: str, following: str
) -> None:
    withdrawn = run("failed", "restore a --yes", why="no", problem=problem, withdrawn="a")
    now = position(raw, NOW, [DONE, withdrawn])
    assert (now.state, now.problem, now.next) == ("failed", problem, following)
    previewed = run("failed", "restore a --yes", why="no", problem=problem, engine=0)
    assert position(raw, NOW, [DONE, previewed]) == now


def test_a_failure_is_told_in_its_own_words() -> None:
    now = position({}, NOW, [DONE, run("failed", "restore a --yes", why="The disk is full.")])
    assert now.words == "`reforge restore a --yes` failed: The disk is full."
    assert position({}, NOW, [DONE, run("interrupted", "pause")]).words == "`reforge pause` interrupted"


def test_a_config_counts_as_applied_only_while_the_newest_run_of_the_engine_ended_well() -> None:
    assert applied([]) is None
    assert applied([DONE]) == NOW
    assert applied([DONE, run("failed", "validate a", engine=0)]) == NOW
    assert applied([DONE, run("failed", "cutover a")]) is None


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], False),
        ([DONE], False),
        ([run("failed", "cutover tea")], True),
        ([run("", "pause")], True),
        ([run("failed", "cutover tea", engine=0)], False),
        ([run("failed", "cutover tea"), run("refused", "rollback", engine=0)], True),
        ([run("interrupted", "apply"), DONE], False),
        ([run("failed", "restore tea")], False),
        ([run("killed", "rollback"), run("failed", "restore tea")], True),
        ([DONE, run("killed", "preview")], True),
    ],
)
def test_what_a_run_may_have_moved_is_looked_at_until_one_is_through(runs: list[Run], expected: bool) -> None:
    assert unsettled(runs) is expected
