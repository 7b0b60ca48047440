"""``dbrestore:envfile:Entry``: the value of one key in a dotenv file that an application reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from dbrestore import files
from dbrestore.envfile.dotenv_text import Found, find, with_value
from dbrestore.handler import Context, Handler, Inputs, State
from problem import Problem, Refusal

_OTHER = "an entry is one key of one file; declare another entry for another one"


class EntryInputs(Inputs):
    """``key`` has ``value`` in the dotenv file ``path``."""

    path: Path
    key: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")
    value: str
    shown: str | None = None
    """What a reviewer sees of a secret value in a diff; nothing is done with it."""
    create: bool = False
    """Whether a missing key may be added; a missing file never is."""


class Entry(Handler):
    """See ``EntryInputs``. State besides: ``original`` (before we ever touched it) and ``previous``."""

    token = "dbrestore:envfile:Entry"  # noqa: S105 - a type's name
    inputs = EntryInputs
    secrets = frozenset({"value", "original", "previous"})
    fixed: ClassVar[Mapping[str, str]] = {"path": _OTHER, "key": _OTHER}

    def create(self, context: Context, inputs: EntryInputs) -> tuple[str, State]:
        before = _write(inputs, None)
        return f"{inputs.path}#{inputs.key}", {**inputs.wire(), **_learnt(before, before)}

    def read(self, context: Context, identity: str, state: State) -> State | None:
        if not state or not Path(state["path"]).exists():
            return None
        found = find(_text(Path(state["path"])), state["key"])
        return None if found is None else {**state, "value": found.value}

    def update(self, context: Context, identity: str, state: State, inputs: EntryInputs) -> State:
        before = _write(inputs, state["value"])
        previous = state.get("previous") if before == inputs.value else before
        return {**inputs.wire(), **_learnt(state.get("original", before), previous)}

    def delete(self, context: Context, identity: str, state: State) -> None:
        """The application goes on with the value it has: no longer managing a line changes nothing."""


def _learnt(original: str | None, previous: str | None) -> State:
    """None (there was no such key) is left out, as the engine leaves out nulls."""
    learnt = {"original": original, "previous": previous}
    return {name: value for name, value in learnt.items() if value is not None}


def _write(inputs: EntryInputs, expected: str | None) -> str | None:
    """Put the value in place; give the one before, None where there was none.

    Refusal "changed-meanwhile" when it is neither the wanted one nor ``expected`` (None: any will do).
    """
    with files.exclusive([inputs.path]):
        text = _text(inputs.path)
        found = find(text, inputs.key)
        _admit(inputs, found, expected)
        if found is None or found.value != inputs.value:
            changed = with_value(text, inputs.key, inputs.value)
            files.replace(inputs.path, changed.encode("utf-8", "surrogateescape"))
    return found.value if found else None


def _admit(inputs: EntryInputs, found: Found | None, expected: str | None) -> None:
    if found is None:
        if not inputs.create:
            what = f"{inputs.path} has no {inputs.key}, so nothing would read a value put there."
            raise Problem("key-missing", what, f"Add a line {inputs.key}= to it, or correct path and key.")
    elif expected is not None and found.value not in (expected, inputs.value):
        what = f"{inputs.key} in {inputs.path} was changed by someone else since we last wrote it."
        cure = (
            "Take their value over with `pulumi refresh`, look at the diff, then run the same command again."
        )
        raise Refusal("changed-meanwhile", what, cure)


def _text(path: Path) -> str:
    return files.read(path).decode("utf-8", "surrogateescape")
