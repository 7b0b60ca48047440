"""Gates: what a plan may never do as a side effect, whoever wrote the config."""

from __future__ import annotations

from collections.abc import Collection

from cli.events import Event, Outcome
from problem import Refusal

_REMOVES = {"delete", "replace", "create-replacement", "delete-replaced", "discard-replaced", "discard"}


def refuse_data_loss(outcome: Outcome, data_types: Collection[str], named: Collection[str] = ()) -> None:
    """Refuse a plan that replaces or deletes what holds data, but for what teardown names."""
    lost = [step for step in outcome.steps if step.operation in _REMOVES and step.type in data_types]
    unnamed = [step for step in lost if step.name not in named or step.operation != "delete"]
    if unnamed:
        what = "The plan would remove what holds data: " + ", ".join(_words(step) for step in unnamed)
        raise Refusal(
            "data-loss",
            what,
            "Nothing was changed. Only `reforge teardown NAME` removes a restore, by its name.",
        )


def _words(step: Event) -> str:
    return f"{step.operation} of {step.name} ({step.type})"
