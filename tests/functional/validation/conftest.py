"""One PostgreSQL for a test session's worker, and a fresh StarForge database for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.servers import Postgres, scratch
from validation.report import Verdict
from validation.runner import Subject, run
from validation.suite import parse

SCHEMA = """
CREATE TABLE users (id bigint PRIMARY KEY, namecode text UNIQUE, created_at timestamptz NOT NULL);
CREATE TABLE user_troops (user_id bigint REFERENCES users, troop_id int, level int NOT NULL DEFAULT 1);
CREATE TABLE hero_snapshots (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id bigint NOT NULL REFERENCES users,
    created_at timestamptz NOT NULL DEFAULT now(), processed_at timestamptz);
CREATE TABLE user_profile_summary (user_id bigint PRIMARY KEY REFERENCES users, snapshots int NOT NULL);
INSERT INTO users SELECT n, 'name ' || n, timestamptz '2025-12-03 14:00Z' + n * interval '1 minute'
    FROM generate_series(1, 20) n;
INSERT INTO user_troops SELECT n, n % 3 FROM generate_series(1, 20) n;
INSERT INTO hero_snapshots (user_id, created_at)
    SELECT n, timestamptz '2025-12-03 14:00Z' + n * interval '1 minute' FROM generate_series(1, 20) n;
"""
_NUMBER = itertools.count()


@dataclass(frozen=True)
class StarForge:
    """A database with the application's tables."""

    server: Postgres
    name: str

    @property
    def url(self) -> str:
        return self.server.url(self.name)

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        return self.server.execute(sql, self.name)

    def verdicts(self, checks: str, **subject: Any) -> tuple[Verdict, ...]:
        """Runs the checks (YAML of a list) on this database."""
        suite = parse("name: test\nchecks:\n" + checks)
        return run(suite, Subject(self.url, **subject)).verdicts

    def verdict(self, check: str, **subject: Any) -> Verdict:
        """Runs one check (YAML of its kind and options)."""
        (found,) = self.verdicts(f"- {check}\n", **subject)
        return found

    def failure(self, check: str, **subject: Any) -> str:
        """Runs one check that must fail: its complaints, one a line."""
        found = self.verdict(check, **subject)
        assert found.outcome == "failed", found
        return "\n".join(found.complaints)

    def passes(self, check: str, **subject: Any) -> Verdict:
        """Runs one check that must pass."""
        found = self.verdict(check, **subject)
        assert found.outcome == "passed", found
        assert found.complaints == ()
        return found


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    with scratch() as folder, Postgres(folder / "pg") as running:
        yield running


@pytest.fixture
def new_starforge(server: Postgres) -> Iterator[Callable[[], StarForge]]:
    """Makes StarForge databases, and drops them after the test."""
    names = []

    def make() -> StarForge:
        names.append(f"starforge_{next(_NUMBER)}")
        server.execute(f"CREATE DATABASE {names[-1]}")
        made = StarForge(server, names[-1])
        made.execute(SCHEMA)
        return made

    yield make
    for name in names:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def starforge(new_starforge: Callable[[], StarForge]) -> StarForge:
    return new_starforge()
