"""What an aspect of parity is, and the difference that it finds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from psycopg import sql

from validation.values import kebab

Severity = Literal["gate", "note"]
Properties = Mapping[str, Any]
Facts = Mapping[str, Properties]
"""What was read of one server: by object, its properties in JSON's types."""


@dataclass(frozen=True)
class Server:
    """A server as its connection knows it; ``version`` as libpq counts it: 150018."""

    version: int
    superuser: bool


@dataclass(frozen=True)
class Difference:
    """Something that is not as it is in the source.

    ``name`` is stable, and what a waiver is given to. ``source`` and ``restored`` are what each side has,
    None where it has nothing. A gate can hurt the application, a note only needs to be known. ``cure`` is
    SQL, or what to do; empty where there is nothing to.
    """

    name: str
    object: str
    source: Any
    restored: Any
    severity: Severity
    why: str
    cure: str = ""
    aspect: str = ""

    def document(self) -> dict[str, Any]:
        """In JSON's types."""
        return asdict(self)


class Aspect(ABC):
    """One aspect; its name is that of the file that its class lives in."""

    secret: ClassVar[tuple[str, ...]] = ()
    """Properties that are compared and never kept or shown."""

    @property
    def name(self) -> str:
        return kebab(type(self).__module__.rpartition(".")[2])

    @abstractmethod
    def query(self, server: Server) -> str:
        """One statement that reads it: rows of an object's name and its properties as jsonb."""

    def differences(self, source: Facts | None, restored: Facts) -> Iterator[Difference]:
        """What differs; ``source`` is None where it could not be read."""
        if source is None:
            return
        for name in sorted({*source, *restored}):
            before, after = source.get(name), restored.get(name)
            if before != after:
                yield from self.judge(name, before, after)

    def judge(
        self, name: str, source: Properties | None, restored: Properties | None
    ) -> Iterator[Difference]:
        """What it means that an object's properties differ, or that one side lacks it."""
        raise NotImplementedError

    def kept(self, facts: Facts) -> Facts:
        """What may be written to disk of what was read."""
        return {
            name: {key: value for key, value in properties.items() if key not in self.secret}
            for name, properties in facts.items()
        }


def identifier(name: str) -> str:
    """A name as SQL wants it, quoted in any case: it may be a reserved word."""
    return sql.Identifier(name).as_string(None)


def literal(text: str) -> str:
    """A text as SQL wants it."""
    return "'" + text.replace("'", "''") + "'"


def lines(statements: Iterable[str]) -> str:
    """SQL statements, one a line."""
    return "\n".join(f"{statement};" for statement in statements)
