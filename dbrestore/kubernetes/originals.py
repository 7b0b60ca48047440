"""What an object had before we touched it, noted on the object itself in the write that changes it first.

One write, so that no kill can leave a paused object without its original: neither a lost engine state nor a
killed create makes us take a paused worker's 0 replicas for what it had.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dbrestore.kubernetes.api import MANAGER, Api, compact
from dbrestore.kubernetes.kinds import Found
from problem import Problem

NOTE = "reforge/original"
"""The annotation. It is gone when the original is back and everything of it works."""

Levels = dict[str, Any]
"""How much of an object may work, by the names of its fields: {"replicas": 6}."""


def noted(found: Found) -> Levels | None:
    """The original that the object bears; None where it bears none."""
    text = found.annotations.get(NOTE)
    if text is None:
        return None
    try:
        note = json.loads(text)
    except ValueError:
        note = None
    if not isinstance(note, dict):
        what = f"The annotation {NOTE} of {found.where} does not say what the original was."
        cure = 'Correct it to JSON like {"replicas":6} by kubectl annotate --overwrite, then run again.'
        raise Problem("original-unreadable", what, cure)
    return note


def with_note(patch: Mapping[str, Any], original: Levels) -> dict[str, Any]:
    """A patch that also notes the original."""
    metadata = patch.get("metadata", {})
    annotations = {**metadata.get("annotations", {}), NOTE: compact(original)}
    return {**patch, "metadata": {**metadata, "annotations": annotations}}


def forget(api: Api, found: Found) -> Found:
    """The original is back: take the note off, and our name off the fields that we wrote.

    Whoever applies the object from a repository would else meet a conflict with us at the next change.
    """
    return api.change(found, lambda now: _without_us(now) if NOTE in now.annotations else None)


def _without_us(now: Found) -> dict[str, Any]:
    managed = now.at("metadata", "managedFields", default=[])
    others = [one for one in managed if one.get("manager") != MANAGER]
    return {"metadata": {"annotations": {NOTE: None}, "managedFields": others}}
