"""What a kind of resource does, in plain values: no pulumi, no gRPC, no screen.

``dbrestore.provider`` serves handlers to the engine. Adding a kind means adding one handler in a
room of its own and naming it in ``dbrestore.registry``.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from problem import Problem

State = dict[str, Any]
"""Outputs of a resource as the engine keeps them: camelCase names, JSON values."""


class Inputs(BaseModel):
    """Base of every handler's inputs: camelCase on the wire, unknown names refused."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    def wire(self) -> State:
        """The inputs as the engine keeps them."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class PartlyMade(Problem):
    """A create or update failed after it made something: the engine must keep ``state``."""

    def __init__(self, problem: Problem, identity: str, state: State) -> None:
        super().__init__(problem.name, problem.what, problem.cure)
        self.identity, self.state = identity, state


@dataclass(frozen=True)
class Context:
    """Where a call comes from and how it tells its progress."""

    urn: str
    progress: Callable[[str], None] = lambda _text: None
    """Takes one line for people: phase, percent, rate and ETA as far as they are known."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set when the operator interrupts: stop at the next safe point and raise."""
    note: Callable[[str], None] = lambda _text: None
    """Takes what a reviewer should still read after the work: it stays on the screen and in the report."""
    unsure: bool = False
    """Whether what is found may be our own work, of a run that did not live to say so."""


class Handler(ABC):
    """One kind of resource. Methods run in threads and may block; they raise ``Problem``."""

    resource_type: ClassVar[str]
    """``dbrestore:<room>:<Kind>``"""
    inputs: ClassVar[type[Inputs]]
    secrets: ClassVar[frozenset[str]] = frozenset()
    """Wire names of state values that are secret whatever the inputs were."""
    fixed: ClassVar[Mapping[str, str]] = {}
    """Wire names of inputs that can never change, each with the message that says what to do instead."""

    @abstractmethod
    def create(self, context: Context, inputs: Any) -> tuple[str, State]:
        """Make the resource, or go on where a killed call stopped; give its identity and state.

        The state holds every input under its wire name, and what was learnt besides.
        """

    @abstractmethod
    def read(self, context: Context, identity: str, state: State) -> State | None:
        """The state as it is now, or None where the resource is gone."""

    @abstractmethod
    def update(self, context: Context, identity: str, state: State, inputs: Any) -> State:
        """Bring the resource from ``state`` to ``inputs``."""

    @abstractmethod
    def delete(self, context: Context, identity: str, state: State) -> None:
        """Remove what ``create`` made, and nothing else. Already gone is not an error."""

    def drift(self, state: State, inputs: Any) -> frozenset[str]:
        """Wire names of learnt values (a stopped server, say) that an update has to mend."""
        return frozenset()

    def examine(self, context: Context, inputs: Any) -> None:  # noqa: B027 - most kinds have nothing to look at
        """Look, without side effects, whether ``create`` can work; a Problem refuses it in a preview already.

        Asked of resources that do not exist yet, in every preview and again before they are made.
        """
