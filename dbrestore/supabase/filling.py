"""A new project filled from a dump: the application's role, what the project lacks, everybody's rows."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from typing import Any

from dbrestore.handler import Context, State
from dbrestore.logical import people, presence
from dbrestore.logical.complaints import judge
from dbrestore.logical.entries import Entry
from dbrestore.logical.inputs import DumpInputs
from dbrestore.logical.load import load
from dbrestore.logical.opening import binaries_for
from dbrestore.logical.options import Options
from dbrestore.logical.origin import Origin
from dbrestore.logical.reading import Dump
from dbrestore.logical.rows import rows_of
from dbrestore.logical.target import Target
from dbrestore.supabase.carrying import MANAGED, ROLES, SESSION, carried, lost
from dbrestore.supabase.entrance import DATABASE
from dbrestore.supabase.inputs import ProjectInputs

ADMIN = "postgres"
"""The role that every project gives to who made it."""


class Filling:
    """A dump, and how it is loaded into a project."""

    def __init__(self, inputs: ProjectInputs, said: DumpInputs, context: Context) -> None:
        self._inputs, self._said, self._context = inputs, said, context

    @property
    def options(self) -> Options:
        return self._said.options

    def examine(self) -> None:
        """What is known before a project is made: the dump, its roles, what has to be accepted."""
        dump, entries = self._origin.look()
        self._prove(entries)
        lines = self._origin.forecast(dump).lines()
        self._context.note("\n".join([*lines, "A new project takes some minutes more."]))

    def fill(self, place: dict[str, Any]) -> State:
        """Load it through the session pooler; what was left out is told and kept among the outputs."""
        with self._origin.whole() as (dump, entries):
            self._prove(entries)
            target = self._target(dump, place)
            found = carried(entries, presence.catalog(target), lambda entry: rows_of(dump, entry))
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

    @property
    def _origin(self) -> Origin:
        return Origin(self._said, self._context)

    def _prove(self, entries: Sequence[Entry]) -> None:
        judge(lost(entries), self.options.accept)
        # Roles that only the platform's own objects name are there, or not needed.
        ours = carried(entries, set(), lambda _entry: 0).entries
        people.require(people.wanted(ours, self.options), self.options, {*ROLES, self._inputs.user})

    def _make_roles(self, entries: Sequence[Entry], target: Target) -> None:
        """The application's role with its password, the others without login; all of them for us."""
        user = self._inputs.user
        wanted = set(people.wanted(entries, self.options)) if self.options.create_roles else set[str]()
        people.make((wanted | {user}) - set(ROLES), target, replaced=self.options.roles)
        if user not in ROLES:
            people.let_in(user, self._inputs.password, target)


def admin_password(inputs: ProjectInputs) -> str:
    """Of ``postgres``: the application's own where that is its role, else one that only follows from it.

    A killed run has to know it again, and nothing but the application's password is known to both.
    """
    if inputs.user == ADMIN:
        return inputs.password
    key = hmac.digest(inputs.password.encode(), f"postgres of {inputs.name}".encode(), "sha256")
    return base64.urlsafe_b64encode(key).decode().rstrip("=")
