"""Everything that the aspects read of one server, over one connection, in one round trip an aspect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from problem import Problem
from validation.connections import Unreachable, connect, in_words
from validation.parity.aspect import Facts, Server
from validation.parity.aspects import aspects

_TIMEOUT = timedelta(seconds=60)
_SETTINGS = {"jit": "off"}
"""Catalog queries look costly to the planner; compiling them takes longer than running them."""


@dataclass(frozen=True)
class Reading:
    """Facts by aspect; ``unread`` says why an aspect could not be read; ``error`` why none could."""

    taken_at: datetime
    facts: Mapping[str, Facts] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    limits: tuple[str, ...] = ()
    """What the role that read was not shown, in words."""
    kept: bool = False
    """It was read from disk and is of an earlier moment."""

    def document(self) -> dict[str, Any]:
        """What may be kept on disk, in JSON's types: nothing secret is in it."""
        kept = {name: dict(aspects()[name].kept(facts)) for name, facts in self.facts.items()}
        return {"taken_at": self.taken_at.isoformat(), "facts": kept, "unread": dict(self.unread)}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Reading:
        """A reading that was kept; ValueError, KeyError or TypeError where it is none."""
        known = {name: facts for name, facts in document["facts"].items() if name in aspects()}
        return cls(datetime.fromisoformat(document["taken_at"]), known, document["unread"], kept=True)


def read(url: str) -> Reading:
    """Read every aspect of a server. Raises Unreachable; an aspect that fails is named in ``unread``."""
    taken_at = datetime.now(UTC)
    with connect(url, statement_timeout=_TIMEOUT, settings=_SETTINGS, at_startup=False) as connection:
        connection.autocommit = True  # one failed statement shall not end the others
        server = Server(
            connection.info.server_version, connection.info.parameter_status("is_superuser") == "on"
        )
        facts: dict[str, Facts] = {}
        unread: dict[str, str] = {}
        for name, aspect in aspects().items():
            try:
                facts[name] = dict(connection.execute(aspect.query(server).encode()).fetchall())
            except psycopg.Error as error:
                unread[name] = in_words(error)
                if connection.broken:
                    raise Unreachable(
                        "database-unreachable",
                        f"the connection broke while reading {name}: {in_words(error)}",
                    ) from None
    return Reading(taken_at, facts, unread, limits=() if server.superuser else (_LIMIT,))


_LIMIT = "passwords and settings that only superusers see"


def read_or_say(url: str) -> Reading:
    """The same, with the reason as ``error`` where the server does not answer."""
    try:
        return read(url)
    except Problem as problem:
        return Reading(datetime.now(UTC), error=problem.what)
