"""A new project filled from a dump: the application's role, what the project lacks, everybody's rows."""

from __future__ import annotations

import base64
import hmac
import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from dbrestore.forecast import Forecast
from dbrestore.handler import Context, State
from dbrestore.logical import people, presence
from dbrestore.logical.complaints import judge
from dbrestore.logical.data import Data
from dbrestore.logical.entries import Entry
from dbrestore.logical.fetching import FETCHING, Store
from dbrestore.logical.load import load
from dbrestore.logical.opening import binaries_for, chosen, open_dump
from dbrestore.logical.options import Options
from dbrestore.logical.reading import Dump
from dbrestore.logical.rows import Rows
from dbrestore.logical.tabledata import LOADING
from dbrestore.logical.target import Target
from dbrestore.supabase.carrying import MANAGED, ROLES, SESSION, carried, lost
from dbrestore.supabase.entrance import DATABASE
from dbrestore.supabase.inputs import DumpInputs, ProjectInputs

ADMIN = "postgres"
"""The role that every project gives to who made it."""
_MEMBERS = "GRANT {} TO CURRENT_USER"


class Filling:
    """A dump, and how it is loaded into a project."""

    def __init__(self, inputs: ProjectInputs, said: DumpInputs, context: Context) -> None:
        self._inputs, self._said, self._context = inputs, said, context

    @property
    def options(self) -> Options:
        return self._said.options

    def examine(self) -> None:
        """What is known before a project is made: the dump, its roles, what has to be accepted."""
        store = self._store
        dump = store.peek() if store else self._open(Path(self._said.place))
        self._prove(chosen(dump, self.options, self._context) if dump.entries else ())
        fetched = dump.size if store else 0
        [time] = Forecast(work=((FETCHING, fetched), (LOADING, dump.size))).lines()
        self._context.note(f"{time}. A new project takes some minutes more.")

    def fill(self, place: dict[str, Any]) -> State:
        """Load it through the session pooler; what was left out is told and kept among the outputs."""
        if (store := self._store) is None:
            return self._fill(self._open(Path(self._said.place)), place)
        with tempfile.TemporaryDirectory(prefix="reforge-") as folder:
            return self._fill(self._open(store.fetch(Path(folder, "dump"), self._context)), place)

    def _fill(self, dump: Dump, place: dict[str, Any]) -> State:
        entries = chosen(dump, self.options, self._context)
        self._prove(entries)
        target = self._target(dump, place)
        found = carried(entries, presence.catalog(target), lambda entry: _rows(dump, entry))
        for line in found.left:
            self._context.note(f"left out: {line}")
        self._make_roles(found.entries, target)
        loaded = load(dump, found.entries, target, self.options, self._context)
        return {**loaded.outputs(), "left": list(found.left), "dumpOf": dump.header.server}

    def _target(self, dump: Dump, place: dict[str, Any]) -> Target:
        parameters = {
            "host": str(place["host"]),
            "port": str(place["port"]),
            "user": ADMIN + place["suffix"],
            "password": admin_password(self._inputs),
            "dbname": DATABASE,
        }
        return Target(parameters, binaries_for(dump), MANAGED, SESSION)

    def _open(self, path: Path) -> Dump:
        self._context.progress("reading the dump")
        return open_dump(path, self._context)

    @cached_property
    def _store(self) -> Store | None:
        return Store(self._said.place, self._said.storage) if "://" in self._said.place else None

    def _prove(self, entries: Sequence[Entry]) -> None:
        judge(lost(entries), self.options.accept)
        # Roles that only the platform's own objects name are there, or not needed.
        ours = carried(entries, set(), lambda _entry: 0).entries
        people.require(people.wanted(ours, self.options), self.options, {*ROLES, self._inputs.user})

    def _make_roles(self, entries: Sequence[Entry], target: Target) -> None:
        """The application's role with its password, the others without login; all of them for us."""
        user = self._inputs.user
        wanted = set(people.wanted(entries, self.options)) if self.options.create_roles else set[str]()
        made = people.make((wanted | {user}) - set(ROLES), target)
        with target.connect() as connection:
            for role in made:
                connection.execute(sql.SQL(_MEMBERS).format(sql.Identifier(role)))
            if user not in ROLES:
                _let_in(user, self._inputs.password, connection)


def admin_password(inputs: ProjectInputs) -> str:
    """Of ``postgres``: the application's own where that is its role, else one that only follows from it.

    A killed run has to know it again, and nothing but the application's password is known to both.
    """
    if inputs.user == ADMIN:
        return inputs.password
    key = hmac.digest(inputs.password.encode(), f"postgres of {inputs.name}".encode(), "sha256")
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


def _let_in(user: str, password: str, connection: psycopg.Connection[Any]) -> None:
    """Only the password's hash leaves this process."""
    hashed = connection.pgconn.encrypt_password(password.encode(), user.encode(), b"scram-sha-256").decode()
    words = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(user), sql.Literal(hashed))
    connection.execute(words)


def _rows(dump: Dump, entry: Entry) -> int:
    """Rows that the dump has of a table."""
    if dump.format == "plain":
        return dump.rows.get(entry.label, 0)
    rows = Rows(Data(dump), entry, lambda _count: None)
    while rows.take():
        pass
    return rows.count
