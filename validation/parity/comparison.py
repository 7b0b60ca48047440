"""Compares a restored server with the original, aspect by aspect."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

from problem import Problem
from validation.connections import Address, address
from validation.parity.aspect import Difference
from validation.parity.aspects import aspects
from validation.parity.aspects.collation_versions import affected
from validation.parity.indexes import IndexCheck, Tell, check_indexes
from validation.parity.reading import Reading, read, read_or_say

FORMAT = "reforge-parity/1"


@dataclass(frozen=True)
class Parity:
    """What differs between a restored server and the original.

    ``unread``: why an aspect could not be compared. ``limits``: what neither side showed. ``indexes`` is None
    where there was no reason to check any.
    """

    source: Address
    restored: Address
    reading: Reading
    """Of the source: the live one, or what was kept of it."""
    differences: tuple[Difference, ...]
    unread: dict[str, str]
    limits: tuple[str, ...] = ()
    indexes: IndexCheck | None = None

    @property
    def gates(self) -> tuple[Difference, ...]:
        return tuple(one for one in self.differences if one.severity == "gate")

    @property
    def notes(self) -> tuple[Difference, ...]:
        return tuple(one for one in self.differences if one.severity == "note")

    def document(self) -> dict[str, Any]:
        """One JSON document; no secret is in it."""
        source = {"at": str(self.source), "read": self._read(), "error": self.reading.error or None}
        return {
            "format": FORMAT,
            "source": source,
            "restored": {"at": str(self.restored)},
            "aspects": [name for name in aspects() if name not in self.unread],
            "differences": [one.document() for one in self.differences],
            "unread": self.unread,
            "limits": list(self.limits),
            "indexes": self.indexes.document() if self.indexes else None,
        }

    def _read(self) -> str | None:
        """When the source was read: "now", a time where it is from the diagnostics, None where never."""
        if not self.reading.facts:
            return None
        return self.reading.taken_at.astimezone(UTC).isoformat() if self.reading.kept else "now"


def compare(
    url: str,
    source_url: str,
    *,
    kept: Reading | None = None,
    all_indexes: bool = False,
    tell: Tell = lambda _text: None,
) -> Parity:
    """Compare the server of ``url`` with that of ``source_url``, both read at once.

    A source that does not answer is no error: ``kept``, an earlier reading, takes its place, and without one
    only what the restored server shows by itself is judged. Indexes over text are checked where their
    collation's version differs, or with ``all_indexes``; ``tell`` hears of each. Raises Unreachable for the
    restored server.
    """
    tell("reading both servers")
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(read_or_say, source_url)
        restored = read(url)
        source = other.result()
    if source.error and kept:
        source = replace(kept, error=source.error)
    differences, unread = _compared(source, restored)
    indexes = None
    collations = affected(restored.facts.get("collation-versions", {}), differences)
    if collations or all_indexes:
        indexes = _indexes(url, None if all_indexes else collations, tell)
    if indexes:
        differences += indexes.differences()
    ordered = sorted(differences, key=_rank)
    return Parity(address(source_url), address(url), source, tuple(ordered), unread, restored.limits, indexes)


def _rank(one: Difference) -> tuple[str, int, str, str]:
    """Gates first, and in the order in which their cures work: a right needs its role."""
    early = _FIRST.index(one.aspect) if one.aspect in _FIRST else len(_FIRST)
    return one.severity, early, one.aspect, one.name


_FIRST = ("roles", "memberships", "extensions", "tablespaces", "owners")


def _compared(source: Reading, restored: Reading) -> tuple[list[Difference], dict[str, str]]:
    found: list[Difference] = []
    unread: dict[str, str] = {}
    for name, aspect in aspects().items():
        before, after = source.facts.get(name), restored.facts.get(name)
        if after is None:
            unread[name] = f"of the restored server: {restored.unread.get(name, 'not read')}"
            continue
        if before is None:
            unread[name] = f"of the source: {source.unread.get(name) or source.error or 'not read'}"
        found += (replace(one, aspect=name) for one in aspect.differences(before, after))
    return found, unread


def _indexes(url: str, collations: list[int] | None, tell: Tell) -> IndexCheck:
    try:
        return check_indexes(url, collations, tell)
    except Problem as problem:
        return IndexCheck(unchecked={"all": problem.what})
