"""Some schemas or tables of a dump, with all that hangs on them and nothing that could not stand alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from dbrestore.logical.entries import Entry
from dbrestore.logical.options import Options
from dbrestore.logical.reading import Dump
from problem import Misuse, listed

_RELATIONS = {"TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "SEQUENCE"}
_HANGING = {
    "TABLE DATA", "SEQUENCE", "SEQUENCE SET", "SEQUENCE OWNED BY", "DEFAULT", "CONSTRAINT",
    "CHECK CONSTRAINT", "FK CONSTRAINT", "INDEX", "INDEX ATTACH", "TABLE ATTACH", "TRIGGER", "RULE",
    "POLICY", "ROW SECURITY", "STATISTICS", "STATISTICS DATA",
    "MATERIALIZED VIEW DATA", "ACL", "COMMENT", "SECURITY LABEL",
}  # fmt: skip
_OF_SCHEMAS = {"ACL", "COMMENT", "SECURITY LABEL"}
"""What hangs on a schema alone and comes along with it; its other objects are not meant."""
_ALWAYS = {"ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE", "DATABASE PROPERTIES"}


def select(dump: Dump, options: Options) -> tuple[Sequence[Entry], list[str]]:
    """The entries that the options choose, in the dump's order, and notes on what had to be left out.

    A table brings its data, defaults, sequences, indexes, constraints, triggers, policies and grants, and
    whatever it cannot be made without; pg_restore -t would bring the bare table. Misuse ``not-in-dump``.
    """
    if not (options.schemas or options.tables):
        return dump.entries, []
    if dump.format == "plain":
        what = f"{dump.place} is plain SQL, which can only be loaded whole."
        raise Misuse(
            "plain-dump-whole", what, "Leave schemas and tables out, or have it written by pg_dump -Fc."
        )
    graph = _Graph(dump.entries)
    taken = graph.needed(_seeds(dump, options))
    left = graph.attach(taken)
    notes = [f"left out, for it needs what was not chosen: {listed(left)}"] if left else []
    return [one for one in dump.entries if one.number in taken or one.kind in _ALWAYS], notes


def _seeds(dump: Dump, options: Options) -> set[int]:
    seeds: set[int] = set()
    for schema in options.schemas:
        inside = (one for one in dump.entries if one.kind not in _HANGING or one.kind == "SEQUENCE")
        own = (one for one in inside if schema in (one.schema, one.name if one.kind == "SCHEMA" else None))
        seeds |= _found(own, f"schema {schema}", dump)
    for table in options.tables:
        relations = (one for one in dump.entries if one.kind in _RELATIONS)
        named = (one for one in relations if table in (one.name, f"{one.schema}.{one.name}"))
        seeds |= _found(named, f"table {table}", dump)
    return seeds


def _found(entries: Iterable[Entry], words: str, dump: Dump) -> set[int]:
    numbers = {one.number for one in entries}
    if not numbers:
        raise Misuse("not-in-dump", f"{dump.place} has no {words}.", f"Type: pg_restore -l {dump.path}")
    return numbers


class _Graph:
    """What needs what, by dump ID."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = {one.number: one for one in entries}
        self._users: dict[int, set[int]] = defaultdict(set)
        for one in entries:
            for number in one.needs:
                self._users[number].add(one.number)

    def needed(self, numbers: Iterable[int], taken: Iterable[int] = ()) -> set[int]:
        """The entries with everything that they cannot be made without, but what is taken already."""
        found, there, waiting = set[int](), set(taken), list(numbers)
        while waiting:
            number = waiting.pop()
            if number in self._entries and number not in found | there:
                found.add(number)
                waiting += self._entries[number].needs
        return found

    def attach(self, taken: set[int]) -> list[str]:
        """Add what hangs on the taken entries; labels of what would drag in another table as well."""
        left: set[int] = set()
        fresh = set(taken)
        while fresh:
            hanging = {user for number in fresh for user in self._hanging(number)} - taken
            fresh = set()
            for number in hanging:
                wanted = self.needed([number], taken)
                if self._drags(number, wanted):
                    left.add(number)
                else:
                    fresh |= wanted
            taken |= fresh
        return sorted(self._entries[number].label for number in left - taken)

    def _hanging(self, number: int) -> set[int]:
        kinds = _OF_SCHEMAS if self._entries[number].kind in ("SCHEMA", "EXTENSION") else _HANGING
        return {user for user in self._users[number] if self._entries[user].kind in kinds}

    def _drags(self, number: int, wanted: set[int]) -> bool:
        """A partition comes along with its parent; any other table has to be chosen by name."""
        if self._entries[number].kind == "TABLE ATTACH":
            return False
        return any(self._entries[one].kind in _RELATIONS - {"SEQUENCE"} for one in wanted)
