"""The command line of the unit tests, its made-up engine pointing to a real PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers import Postgres, scratch
from tests.unit.cli.conftest import STACK, played, project, reforge
from tests.unit.cli.doubles import PlayedEngine

__all__ = ["played", "project", "reforge"]
SCHEMA = """
CREATE TABLE users (id bigint PRIMARY KEY, namecode text UNIQUE);
INSERT INTO users SELECT n, 'name ' || n FROM generate_series(1, 20) n;
"""
_NUMBER = itertools.count()


@dataclass(frozen=True)
class Database:
    """One database of the server."""

    server: Postgres
    name: str

    @property
    def url(self) -> str:
        return self.server.url(self.name)

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        return self.server.execute(sql, self.name)


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    with scratch() as folder, Postgres(folder / "postgres") as running:
        yield running


def fresh(server: Postgres) -> Database:
    name = f"starforge_{next(_NUMBER)}"
    server.execute(f"CREATE DATABASE {name}")
    database = Database(server, name)
    database.execute(SCHEMA)
    return database


@pytest.fixture
def source(server: Postgres, played: PlayedEngine) -> Iterator[Database]:
    """The original; what the stack's connection string leads to."""
    database = fresh(server)
    played.source_url = database.url
    yield database
    server.execute(f"DROP DATABASE {database.name} WITH (FORCE)")


@pytest.fixture
def restored(server: Postgres, played: PlayedEngine, project: Path) -> Iterator[Database]:
    """A restore ``before`` that is there and declared."""
    database = fresh(server)
    played.restores = {"before": {"url": database.url}}
    entry = "reforge:restores:\n    before:\n      from: {latest: true}\n"
    (project / "Pulumi.local.yaml").write_text(STACK.replace("reforge:restores: {}\n", entry))
    yield database
    server.execute(f"DROP DATABASE {database.name} WITH (FORCE)")
