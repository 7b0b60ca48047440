"""What pulumi_kubernetes says when a canary's pods do not get ready: it waits and fails by itself."""

from __future__ import annotations

from problem import Problem
from stacks.canary.settings import SUFFIX

_NOT_READY = ("failed to fully initialize or become live", "timed out waiting to be Ready")


def named(text: str) -> Problem | None:
    """The problem that the words of a resource tell of; None for any other words."""
    if SUFFIX not in text or not any(words in text for words in _NOT_READY):
        return None
    cure = (
        "The deployment itself is as it was. See why: kubectl describe pod -l reforge/canary; mend it and "
        "run the same command again, or take the canary away: reforge rollback --canary --yes"
    )
    return Problem("canary-not-ready", text, cure)
