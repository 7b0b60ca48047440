"""A place in memory that others write to as well, and a kind of resource whose value is worked out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dbrestore.entries.entry import EntryHandler, ValueInputs
from dbrestore.entries.place import Held, Moved, Place
from dbrestore.handler import Context, Inputs, State
from problem import Problem


@dataclass
class Cell(Place):
    """``between`` is called after each reading and before each writing: what others do meanwhile."""

    value: str | None = "one"
    revision: int = 0
    noted: str | None = None
    may_add: bool = False
    gone: bool = False
    written: list[str] = field(default_factory=list)
    between: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None
    """Called when it is written: a kill, say."""

    where = "URL in the cell"

    def theirs(self, value: str | None) -> None:
        self.value, self.revision = value, self.revision + 1

    def read(self) -> Held | None:
        return None if self.gone else Held(self.value, str(self.revision))

    def write(self, value: str, over: Held) -> None:
        self.between()
        if over.revision != str(self.revision):
            raise Moved
        self.theirs(value)
        self.written.append(value)
        self.after()

    def missing(self) -> Problem:
        return Problem("key-missing", "The cell has no URL.")

    def note(self, original: str) -> None:
        self.noted = original

    def recall(self) -> str | None:
        return self.noted

    def forget(self) -> None:
        self.noted = None


@dataclass
class Values(EntryHandler):
    cell: Cell

    resource_type = "dbrestore:test:Value"
    inputs = ValueInputs

    def place(self, context: Context, inputs: Inputs, state: State) -> Cell:
        return self.cell

    def identity(self, inputs: Inputs) -> str:
        return "cell"


class DialInputs(Inputs):
    desired: str


@dataclass
class Dial(Values):
    """How many of something run: none, one, or as many as there were."""

    inputs = DialInputs
    present = "count"

    def wanted(self, inputs: DialInputs, original: str | None) -> str:
        return {"none": "0", "canary": "1"}.get(inputs.desired, original or "0")
