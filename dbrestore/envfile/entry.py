"""``dbrestore:envfile:Entry``: the value of one key in a dotenv file that an application reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from dbrestore import files
from dbrestore.entries.entry import EntryHandler, ValueInputs
from dbrestore.entries.place import Held, Moved, Place
from dbrestore.envfile.dotenv_text import find, with_value
from dbrestore.handler import Context, State
from problem import Problem

_OTHER = "an entry is one key of one file; declare another entry for another one"


class EntryInputs(ValueInputs):
    """``key`` has ``value`` in the dotenv file ``path``."""

    path: Path
    key: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")
    create: bool = False
    """Whether a missing key may be added; a missing file never is."""


class Line(Place):
    """The line of a key; its value alone tells whether somebody wrote: other lines are other entries'."""

    def __init__(self, inputs: EntryInputs) -> None:
        self.path, self.key, self.may_add = inputs.path, inputs.key, inputs.create

    @property
    def where(self) -> str:
        return f"{self.key} in {self.path}"

    def read(self) -> Held | None:
        return Held(self._found(self._text())) if self.path.exists() else None

    def write(self, value: str, over: Held) -> None:
        with files.exclusive([self.path]):
            text = self._text()
            if self._found(text) != over.value:
                raise Moved
            changed = with_value(text, self.key, value)
            files.replace(self.path, changed.encode("utf-8", "surrogateescape"))

    def missing(self) -> Problem:
        if not self.path.exists():
            what = f"{self.path} cannot be read: there is no such file."
            return Problem("file-not-readable", what, f"Type: ls -l {self.path}")
        what = f"{self.path} has no {self.key}, so nothing would read a value put there."
        return Problem("key-missing", what, f"Add a line {self.key}= to it, or correct path and key.")

    def _text(self) -> str:
        return files.read(self.path).decode("utf-8", "surrogateescape")

    def _found(self, text: str) -> str | None:
        found = find(text, self.key)
        return found.value if found else None


class Entry(EntryHandler):
    """See ``EntryInputs`` and ``EntryHandler``."""

    resource_type = "dbrestore:envfile:Entry"
    inputs = EntryInputs
    fixed: ClassVar[Mapping[str, str]] = {"path": _OTHER, "key": _OTHER}

    def place(self, context: Context, inputs: EntryInputs, state: State) -> Line:
        return Line(inputs)

    def identity(self, inputs: EntryInputs) -> str:
        return f"{inputs.path}#{inputs.key}"
