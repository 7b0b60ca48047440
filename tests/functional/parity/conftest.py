"""Two PostgreSQL servers, an original and a restored one, and a database of the same name on each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.servers import Postgres, scratch
from validation.parity.aspect import Difference
from validation.parity.comparison import Parity, compare

_NUMBER = itertools.count()
TABLE = "CREATE TABLE users (id bigint PRIMARY KEY, name text);"


@dataclass(frozen=True)
class Pair:
    """The same database on both servers."""

    original: Postgres
    restored: Postgres
    name: str

    @property
    def source_url(self) -> str:
        return self.original.url(self.name)

    @property
    def url(self) -> str:
        return self.restored.url(self.name)

    def in_source(self, sql: str) -> list[tuple[Any, ...]]:
        return self.original.execute(sql, self.name)

    def in_restored(self, sql: str) -> list[tuple[Any, ...]]:
        return self.restored.execute(sql, self.name)

    def in_both(self, sql: str) -> None:
        self.in_source(sql)
        self.in_restored(sql)

    def compare(self, **how: Any) -> Parity:
        return compare(self.url, self.source_url, **how)

    def differences(self) -> dict[str, str]:
        """Severity by name."""
        return {one.name: one.severity for one in self.compare().differences}

    def one(self, name: str) -> Difference:
        """The one difference of that name, which must be there."""
        found = {one.name: one for one in self.compare().differences}
        assert name in found, found
        return found[name]

    def cured(self, name: str) -> bool:
        """Whether the cure that a difference gives makes it go away."""
        self.in_restored(self.one(name).cure)
        return name not in self.differences()


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Postgres, Postgres]]:
    with scratch() as folder, Postgres(folder / "one") as one, Postgres(folder / "two") as two:
        yield one, two


@pytest.fixture
def pair(servers: tuple[Postgres, Postgres]) -> Iterator[Pair]:
    """Equal databases with one table. Afterwards both servers are as they were, roles included."""
    made = Pair(*servers, f"starforge_{next(_NUMBER)}")
    for server in servers:
        server.execute(f"CREATE DATABASE {made.name}")
    made.in_both(TABLE)
    yield made
    for server in servers:
        server.execute(f"DROP DATABASE {made.name} WITH (FORCE)")
        for (role,) in server.execute("SELECT quote_ident(rolname) FROM pg_roles WHERE oid > 16383"):
            server.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")
        server.execute("ALTER SYSTEM RESET ALL")
        server.execute("SELECT pg_reload_conf()")
