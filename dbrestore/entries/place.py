"""Where one text value lives, as ``EntryHandler`` needs to know it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from dbrestore.handler import State
from problem import Problem


@dataclass(frozen=True)
class Held:
    """What a place holds at one moment; ``value`` None where the place is there and has no such value."""

    value: str | None
    revision: str = ""
    """By what ``write`` knows whether somebody has written since; "" where the value itself tells."""


class Moved(Exception):
    """Somebody wrote between our reading and our writing, and nothing of ours is in the place."""


class Place(ABC):
    """One value's place. Methods raise ``Problem`` in their own words, and never with the value in it."""

    may_add = False
    """Whether a missing value may be added to a place that is there."""

    @property
    def learnt(self) -> State:
        """What the resource's state keeps of the place besides the value."""
        return {}

    @property
    @abstractmethod
    def where(self) -> str:
        """In words, for messages: "DATABASE_URL in /srv/app/.env"."""

    @abstractmethod
    def read(self) -> Held | None:
        """What is there now; None where the place itself is gone."""

    @abstractmethod
    def write(self, value: str, over: Held) -> None:
        """Put ``value`` where ``over`` was read; raise ``Moved`` where that is there no longer.

        A call that was killed and is made again writes nothing twice.
        """

    @abstractmethod
    def missing(self) -> Problem:
        """What to say where the place, or the value in it, is not there."""

    def finish(self) -> None:  # noqa: B027 - most places are done with the value
        """Do what belongs to the place besides the value, which is the wanted one now."""

    def note(self, original: str) -> None:  # noqa: B027 - not every place can keep one
        """Keep the original beside the value before it is first overwritten, so that a kill loses nothing."""

    def recall(self) -> str | None:
        """The original that an unfinished create of ours noted; None where nothing tells of one."""
        return None

    def forget(self) -> None:  # noqa: B027 - as above
        """The original is back in its place, or no longer ours to keep: remove the note."""
