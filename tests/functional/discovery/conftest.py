"""A look around real servers that were started in scratch folders, as a stranger would start them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stacks.providers.local.discovery.finders import look_around
from stacks.providers.local.discovery.machine import Machine
from stacks.providers.local.discovery.report import Discovery, Found, Unseen
from tests.support.servers import Postgres, scratch

Archiving = Callable[..., Any]


class Seen:
    """One look around, by what was looked for."""

    def __init__(self, discovery: Discovery) -> None:
        self.discovery = discovery

    def found(self, what: str) -> list[Found]:
        return [one for one in self.discovery.found if one.what == what]

    def unseen(self, what: str) -> list[Unseen]:
        return [one for one in self.discovery.unseen if one.what == what]

    def one(self, what: str) -> Found:
        (only,) = self.found(what)
        return only

    def why(self, what: str) -> str:
        (only,) = self.unseen(what)
        return only.why


@contextmanager
def archiving(server: Postgres, command: str, **settings: str) -> Iterator[None]:
    """Let a running server archive by another command, and back."""
    server.execute("ALTER SYSTEM SET archive_command = '{}'".format(command.replace("'", "''")))
    for name, value in settings.items():
        server.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    server.execute("SELECT pg_reload_conf()")
    yield
    server.execute("ALTER SYSTEM RESET ALL")
    server.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Postgres]:
    """A cluster with a database ``shop``, an archive, and a base backup beside it."""
    with scratch() as folder, Postgres(folder / "pg", archive=folder / "store/wal") as server:
        server.execute("CREATE DATABASE shop")
        server.execute("CREATE ROLE app LOGIN")
        server.base_backup("monday", folder / "store/base")
        server.switch_wal()
        yield server


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system without units and usual places but what a test puts there."""
    return tmp_path / "root"


@pytest.fixture
def look(cluster: Postgres, root: Path) -> Callable[..., Seen]:
    """Look around the cluster, as superuser or as another role."""

    def looking(role: str = "postgres", url: str = "", consoles: tuple[str, ...] = ()) -> Seen:
        wanted = url or cluster.url("shop").replace("postgres@", f"{role}@")
        return Seen(look_around(wanted, Machine(root), consoles))

    return looking
