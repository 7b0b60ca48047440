"""A DNS record that leads the application to its database: TTL lowered and waited out, then moved.

Resolvers may give the old answer until its TTL is over (RFC 1035, 3.2.1), so that a record that is moved
without lowering the TTL first leaves clients on the old server for as long. A record holds no port.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from dbrestore.entries.entry import EntryHandler
from dbrestore.entries.place import Held, Place
from dbrestore.handler import Context, Inputs, State
from problem import Problem

_POLL = 2.0  # seconds between two questions whether a change is everywhere
_OTHER = "an entry is one record; declare another endpoint for another one"


class RecordInputs(Inputs):
    """``name`` leads to ``host``; without one to where it led before us."""

    name: str = Field(min_length=1)
    type: Literal["CNAME", "A"] = "CNAME"
    host: str | None = None
    port: int
    """The servers' port, which no record can change."""
    ttl: int = Field(30, ge=1, le=86400)
    """Seconds; to this the TTL is lowered before a move, and there it stays until the original is back."""
    lower: bool = False
    """Whether it is lowered now, well before a move."""
    longest_wait: float = Field(900, gt=0, le=86400)
    """Seconds that a move may wait for old answers to die out."""


@dataclass(frozen=True)
class RecordSet:
    """``values`` as text, sorted, hosts without their last dot."""

    values: tuple[str, ...]
    ttl: int

    @property
    def text(self) -> str:
        return " ".join(self.values)


def record_set(values: list[str], ttl: int) -> RecordSet:
    """A record set in the one spelling in which two are compared."""
    return RecordSet(tuple(sorted(value.rstrip(".").lower() for value in values)), ttl)


class Zone(Place):
    """A record set in its zone. State: ``originalTtl`` and ``loweredAt`` (seconds since the epoch)."""

    longest_settling = 300.0
    """Seconds that a change may take until every server of the zone has it."""

    def __init__(self, context: Context, inputs: RecordInputs, state: State) -> None:
        self.context, self.inputs = context, inputs
        self.original_ttl: int | None = state.get("originalTtl")
        self.lowered_at: float | None = state.get("loweredAt")
        self.original: str | None = state.get("original")

    @property
    def where(self) -> str:
        return f"the record {self.inputs.name} {self.inputs.type}"

    @property
    def learnt(self) -> State:
        found = {"originalTtl": self.original_ttl, "loweredAt": self.lowered_at}
        return {name: value for name, value in found.items() if value is not None}

    @abstractmethod
    def look(self) -> RecordSet | None:
        """The record set as the zone has it."""

    @abstractmethod
    def replace(self, old: RecordSet, new: RecordSet) -> str:
        """Exchange exactly ``old`` for ``new`` in one change; give its id; raise ``Moved`` otherwise."""

    @abstractmethod
    def settled(self, change: str) -> bool:
        """Whether every server of the zone has the change."""

    def read(self) -> Held | None:
        found = self.look()
        if found is None:
            return None
        if self.original is None:
            self.original, self.original_ttl = found.text, found.ttl
        return Held(found.text, str(found.ttl))

    def write(self, value: str, over: Held) -> None:
        now = RecordSet(tuple(str(over.value).split()), int(over.revision))
        now = self._lowered(now)
        self._wait_out(now)
        ttl = self.original_ttl if value == self.original and not self.inputs.lower else now.ttl
        self._change(now, RecordSet(tuple(value.split()), ttl or now.ttl))
        if ttl != now.ttl:
            self.lowered_at = None

    def finish(self) -> None:
        """Lower the TTL beforehand where that is wanted, and raise it again where it is no longer."""
        found = self.look()
        if found is None:
            return
        if self.inputs.lower:
            self._lowered(found)
        elif found.text == self.original and self.original_ttl and self.lowered_at:
            self._change(found, replace(found, ttl=self.original_ttl))
            self.lowered_at = None

    def _lowered(self, now: RecordSet) -> RecordSet:
        if now.ttl <= self.inputs.ttl:
            return now
        self.original_ttl, low = now.ttl, replace(now, ttl=self.inputs.ttl)
        self.context.progress(f"{self.inputs.name}: TTL lowered from {now.ttl} to {low.ttl} s")
        self._change(now, low)
        self.lowered_at = time.time()
        return low

    def _wait_out(self, now: RecordSet) -> None:
        """Wait until no resolver can have an answer from before the TTL was lowered.

        Where a killed run lowered it, or somebody else, nobody knows when; then it is the whole TTL from
        now on, and the next try knows when that began.
        """
        if self.original_ttl is None or now.ttl >= self.original_ttl:
            return
        self.lowered_at = self.lowered_at or time.time()
        left = self.original_ttl - (time.time() - self.lowered_at)
        if left > self.inputs.longest_wait:
            self._too_long(left)
        if left > 0:
            self.context.progress(
                f"{self.inputs.name}: waiting {left:.0f} s for answers of the old TTL to go"
            )
            self._sleep(left)

    def _too_long(self, left: float) -> None:
        until = datetime.fromtimestamp(time.time() + left, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        what = f"{self.where} had a TTL of {self.original_ttl} s; old answers live until {until}."
        cure = (
            f"Its TTL is {self.inputs.ttl} s now. Run the same command again then, or raise `longest-wait`."
        )
        raise Problem("ttl-not-over", what, cure)

    def _change(self, old: RecordSet, new: RecordSet) -> None:
        change, deadline = self.replace(old, new), time.monotonic() + self.longest_settling
        while not self.settled(change):
            if time.monotonic() > deadline:
                limit = f"{self.longest_settling:.0f} s"
                what = f"{self.where} was changed, but after {limit} not all servers of its zone have it."
                raise Problem(
                    "record-not-settled", what, "Run the same command again; it goes on from there."
                )
            self._sleep(_POLL)

    def _sleep(self, seconds: float) -> None:
        if self.context.cancelled.wait(seconds):
            what = f"Interrupted while {self.where} was being moved."
            raise Problem("interrupted", what, "Run the same command again; it goes on from there.")


class RecordHandler(EntryHandler):
    """See ``RecordInputs`` and ``Zone``. ``leadsTo`` is where the record leads."""

    secrets = frozenset()
    present = "leadsTo"
    fixed: ClassVar[Mapping[str, str]] = {
        "name": _OTHER,
        "type": _OTHER,
        "port": "a DNS record leads to another host and never to another port: restore to the source's port, "
        "or use an endpoint that holds the whole URL",
    }

    def rests(self, state: State) -> bool:
        return "host" not in state

    def wanted(self, inputs: Any, original: str | None) -> str:
        return inputs.host.rstrip(".").lower() if inputs.host else original or ""
