"""The engine's failures in words: what its resources said, by their names, else its own last words."""

from __future__ import annotations

import signal

from cli.events import Outcome
from problem import Problem, heard

_KNOWN: tuple[tuple[str, Problem], ...] = (
    (
        "is currently locked by",
        Problem(
            "stack-locked",
            "",
            "Somebody else works on it: wait, then see `reforge status`. Only if it is dead: pulumi cancel",
        ),
    ),
    (
        "violates plan",
        Problem("plan-outdated", "", "The plan no longer fits. Make it anew: run the stage's command again."),
    ),
    (
        "incorrect passphrase",
        Problem("wrong-passphrase", "", "Set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE."),
    ),
    ("no stack named", Problem("no-stack", "", "Make it: reforge init")),
    (
        "pending operations",
        Problem("pending-operations", "", "Run `reforge status`; it says how to go on."),
    ),
)
"""What the engine says, and which problem that is; the words are put in front of it."""


def explained(text: str, stack: str, outcome: Outcome | None = None) -> Problem:
    """The engine's failure as a problem: what the resources said, else its own last words."""
    said = outcome.errors if outcome else []
    last_words = _last_words(text)  # a warning may use the words of an error
    for words, known in _KNOWN:
        if words in last_words:
            what = f"The engine refused to work on stack {stack}: {last_words}"
            return Problem(known.name, what, known.cure)
    if any(words in text for words in _PLUGIN_LOST):
        what = "The provider plugin dbrestore was ended in the middle of its work."
        return Problem("plugin-killed", what, "Run the same command again: it goes on from there.")
    return _of_resources(said) if said else Problem("engine-failed", last_words)


def _of_resources(said: list[str]) -> Problem:
    """What the resources said, by the name and with the cure of the first that has them."""
    known = [found for text in said if (found := heard(text) or _of_a_cloud(text))]
    if not known:
        return Problem("engine-failed", "\n".join(said))
    what = known[0].what if len(said) == 1 else "\n".join(said)
    return Problem(known[0].name, what, known[0].cure)


def _of_a_cloud(text: str) -> Problem | None:
    """The words of a cloud's own provider, where our room for that cloud knows them."""
    from importlib.util import find_spec

    from stacks.canary import faults
    from stacks.kinds import kinds, load
    from stacks.model import PROVIDERS

    for name in kinds(PROVIDERS):
        if find_spec(f"{PROVIDERS}.{name.replace('-', '_')}.faults"):
            found: Problem | None = load(PROVIDERS, name, "faults").named(text)
            if found:
                return found
    return faults.named(text)


_PLUGIN_LOST = (
    "error reading from server: EOF",
    "connection reset by peer",
    "did not begin responding to RPC connections",
)
"""What gRPC and the engine say where the process at the other end is gone."""


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error:")]
    return "\n".join(errors or lines[-5:]) or "it said nothing"


def killed(returncode: int) -> Problem:
    """Of an engine that a signal ended."""
    what = f"The engine was ended by {signal.Signals(-returncode).name} in the middle of its work."
    return Problem("engine-killed", what, "Run the same command again: it goes on from there.")
