"""What a look around found, and what it could not see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Found:
    """Something that was found, from what evidence.

    ``add`` is the option or YAML that makes use of it. ``fills`` are values for the config's ``source`` that
    are certain enough to be taken; empty for a mere proposal.
    """

    what: str
    value: str
    evidence: str
    add: str = ""
    fills: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unseen:
    """Something that could not be seen, why, and what to add by hand."""

    what: str
    why: str
    add: str = ""


@dataclass(frozen=True)
class Discovery:
    """The whole look around."""

    found: tuple[Found, ...]
    unseen: tuple[Unseen, ...]

    def fills(self) -> dict[str, Any]:
        """Values for ``source`` by name; none where two finds contradict each other."""
        given: dict[str, list[Any]] = {}
        for one in self.found:
            for name, value in one.fills.items():
                given.setdefault(name, []).append(value)
        return {name: values[0] for name, values in given.items() if all(v == values[0] for v in values)}

    def document(self) -> dict[str, Any]:
        """In JSON's types."""
        return {"found": [asdict(one) for one in self.found], "unseen": [asdict(one) for one in self.unseen]}
