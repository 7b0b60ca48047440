"""Where an incident stands, from config and journal alone: a named state, and the safe next command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cli.journal import Run
from cli.trials import SPLIT_WRITES, canary, tried


@dataclass(frozen=True)
class Position:
    """A named state in words, and what to type next."""

    state: str
    words: str
    next: str
    """Arguments of ``reforge``; empty where nothing needs to be done."""
    problem: str = ""
    """The stable name of what failed; empty where nothing did."""


def position(raw: Mapping[str, Any], digest: str, runs: list[Run]) -> Position:
    """``raw`` and ``digest`` are of the config as it stands now."""
    runs = [run for run in runs if run.state not in _CHANGED_NOTHING]
    last = runs[-1] if runs else None
    if last and last.alive:
        return Position(
            "running", f"`{last.command}` is running since {last.begun} (pid {last.pid}).", "status"
        )
    if last and (last.killed or last.state == "killed"):
        return Position("interrupted", f"`{last.command}` was killed before it ended.", _again(last, runs))
    if last and last.state in ("failed", "interrupted"):
        return _after_failure(last, position(raw, digest, runs[:-1]), runs)
    if last and last.state == "proposed" and last.facts.get("digest") == digest:
        return Position("proposed", f"The change of `{last.command}` is proposed and not applied.", "apply")
    if applied(runs) != digest:
        words = "The config was changed and is not applied."
        return Position("not-applied", words, _proposing(digest, runs))
    return _standing(raw, runs)


def _after_failure(last: Run, before: Position, runs: list[Run]) -> Position:
    words = f"`{last.command}` {last.state}: {last.facts.get('why', '')}".rstrip(": ")
    problem = str(last.facts.get("problem", ""))
    if last.facts.get("passed") is False:
        return Position("validation-failed", words, f"teardown {last.subject}", problem)
    changed_nothing = last.state == "failed" and (not last.engine or "withdrawn" in last.facts)
    if changed_nothing and problem in _WRONG_TARGET:
        return Position(last.state, words, before.next or "sources", problem)
    if changed_nothing and not problem:
        return Position(last.state, words, before.next)
    return Position(last.state, words, _again(last, runs), problem)


_WRONG_TARGET = frozenset(
    {"no-backup", "target-before-backup", "target-in-future", "target-missed", "target-not-found"}
)
"""Problems of what was typed: the same command never succeeds, so what was safe before it is safe now."""


def applied(runs: list[Run]) -> str | None:
    """The digest of the config that the newest run of the engine brought about; None where it failed."""
    newest = next((run for run in reversed(runs) if run.engine and "withdrawn" not in run.facts), None)
    return newest.facts.get("digest") if newest and newest.state == "done" else None


_MAKING = ("init", "restore", "validate", "teardown")
"""Stages that move nothing which was there before them."""


def unsettled(runs: list[Run]) -> bool:
    """Whether a run may have moved something that the engine's state does not know of."""
    for run in reversed(runs):
        if run.engine and run.state == "done":
            return False
        if run.engine and run.stage not in _MAKING:
            return True
    return False


_CHANGED_NOTHING = ("refused", "dry-run")


def _proposing(digest: str, runs: list[Run]) -> str:
    """The command that proposes a config again: the stage's own, which may remove what it names."""
    if runs and runs[-1].state == "outdated":  # somebody edited what was proposed; the stage is still wanted
        return _again(runs[-1], runs)
    made = (run for run in reversed(runs) if run.state == "proposed" and run.facts.get("digest") == digest)
    return _again(next(made, None), runs)


def _again(run: Run | None, runs: list[Run]) -> str:
    """The command that goes on with a run that did not end well."""
    if run and run.stage == "apply":
        # A plan that was begun fits no more: the stage that made it makes another.
        run = next((one for one in reversed(runs) if one.state == "proposed"), None)
    if run is None or run.stage == "init":  # a stack is made once
        return "preview"
    return run.command.removeprefix("reforge ")


def _standing(raw: Mapping[str, Any], runs: list[Run]) -> Position:
    restores: Mapping[str, Any] = raw.get("restores") or {}
    released = [name for name, one in restores.items() if one.get("release")]
    now = _of_incident(raw, {name: one for name, one in restores.items() if name not in released}, runs)
    if not released:
        return now
    words = f"{released[0]} is released and still there; `reforge teardown {released[0]}` removes it."
    if now.next:
        return replace(now, words=f"{now.words} {words}")
    return Position("half-torn-down", words, f"teardown {released[0]}")


def _of_incident(raw: Mapping[str, Any], restores: Mapping[str, Any], runs: list[Run]) -> Position:
    """``restores``: those that nobody has begun to remove."""
    serving, writing = raw.get("serving") or "source", raw.get("writing") or "all"
    if trial := _trial(raw, writing):
        return trial
    if serving != "source":
        return _moved(serving, writing)
    accepted = [name for name, one in restores.items() if one.get("validated") or one.get("waived")]
    if writing == "canary":
        return Position("canary", "The source serves with one writer of each group.", "resume")
    if accepted:
        return Position(
            "validated", f"{accepted[-1]} is validated; the source still serves.", f"cutover {accepted[-1]}"
        )
    if restores:
        name = list(restores)[-1]
        if _failed_validation(name, runs):
            words = f"{name} did not pass its validation; the source serves."
            return Position("validation-failed", words, f"teardown {name}")
        return Position(
            "restored", f"{name} is restored and not validated; the source serves.", f"validate {name}"
        )
    if writing == "none":
        return Position("paused", "Writers are stopped; the source serves.", "sources")
    return Position("normal", "The source serves and everything writes: no incident is open.", "")


def _trial(raw: Mapping[str, Any], writing: str) -> Position | None:
    """While a canary of the application tries a restore."""
    name = tried(raw)
    if not name:
        return None
    if canary(raw).get("traffic"):
        words = f"A canary on {name} takes requests beside the application."
        return Position("canary-serving", words, f"cutover {name}")
    words = f"A canary on {name} runs without requests."
    if writing == "none" or canary(raw).get(SPLIT_WRITES):
        return Position("canary-up", words, f"cutover {name} --canary --traffic")
    return Position("canary-up", f"{words} Before it takes any, writers are to stop.", "pause")


def _failed_validation(name: str, runs: list[Run]) -> bool:
    """Whether the newest run on a restore was a validation that it did not pass."""
    newest = next((run for run in reversed(runs) if run.subject == name), None)
    return newest is not None and newest.facts.get("passed") is False


def _moved(serving: str, writing: str) -> Position:
    if writing == "none":
        return Position("cut-over", f"{serving} serves; writers are still stopped.", "resume --canary")
    if writing == "canary":
        return Position("canary", f"{serving} serves with one writer of each group.", "resume")
    return Position("recovered", f"{serving} serves and everything writes.", "")
