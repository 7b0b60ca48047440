"""The database that a dump goes into: made for it, and marked with how far the load is.

The mark is a comment on the database: it goes with it, everybody can read it, and somebody's instance gets no
table of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from psycopg import sql

from dbrestore.loading.inputs import Loading
from dbrestore.logical import needs, people
from dbrestore.logical.database import create, drop
from dbrestore.logical.entries import Entry
from dbrestore.logical.target import Target
from problem import Problem, Refusal

LOADING, LOADED = "loading", "loaded"
_COMMENT = """
    SELECT oid, shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database WHERE datname = %s
"""

_OURS = "SELECT rolname FROM pg_roles WHERE pg_has_role(oid, 'MEMBER')"
"""The roles that we may give a database to."""


@dataclass(frozen=True)
class Place:
    """One database of a server, and whose it is."""

    said: Loading
    target: Target

    def phase(self) -> str | None:
        """``loading``, ``loaded``, empty where no mark of ours is on it; None where it does not exist.

        Refusal ``another-restore`` where it holds another dump.
        """
        comment = self._comment()
        if comment is None:
            return None
        mark = comment.splitlines()[-1] if comment else ""
        if mark.startswith(_mark("", "")) and not mark.startswith(self._ours("")):
            what = f"Database {self.target.name} holds another dump: {mark}."
            raise Refusal("another-restore", what, "Give this restore another name.")
        return next((one for one in (LOADING, LOADED) if mark == self._ours(one)), "")

    def prepare(self, entries: Sequence[Entry]) -> None:
        """An empty database with our mark on it; half a load of an earlier run goes first.

        One that is there without a mark stays, and has to be empty: who loads looks. Refusal
        ``locale-missing`` where the server lacks the dump's locale.
        """
        phase = self.phase()
        if phase == LOADING:
            drop(self.target.name, self.server)
        if phase in (None, LOADING):
            self._create(entries)
        else:
            self.target.require_empty()
        self.mark(LOADING)

    def mark(self, phase: str) -> None:
        """Write the mark below what the database's comment says already."""
        kept = [line for line in (self._comment() or "").splitlines() if not line.startswith(_mark("", ""))]
        text = "\n".join([*kept, self._ours(phase)])
        words = sql.SQL("COMMENT ON DATABASE {} IS {}").format(
            sql.Identifier(self.target.name), sql.Literal(text)
        )
        with self.server.connect() as connection:
            connection.execute(words)

    def _create(self, entries: Sequence[Entry]) -> None:
        found, options = needs.database_options(entries).at(self.said.locale), self.said.options
        roles = [str(row[0]) for row in self.server.rows(_OURS)]
        otherwise = self.said.user or str(self.target.parameters["user"])
        owner = people.owner_of_database(found.owner, roles, options, otherwise)
        people.make([owner], self.server)
        try:
            create(self.target.name, owner, found, self.server)
        except Problem as problem:
            if "locale" not in problem.what:
                raise
            cure = "Name one that it has: `locale: en_US.UTF-8` under from (--locale)."
            raise Refusal("locale-missing", problem.what, cure) from problem

    @property
    def server(self) -> Target:
        """Another database there, to make this one from."""
        return self.target.to("postgres" if self.target.name != "postgres" else "template1")

    def _comment(self) -> str | None:
        with self.server.connect() as connection:
            row = connection.execute(_COMMENT, (self.target.name,)).fetchone()
        return None if row is None else str(row[1] or "")

    def _ours(self, phase: str) -> str:
        whose = sha256(f"{self.said.name} {self.said.identity}".encode()).hexdigest()[:8]
        return _mark(f"{self.said.name} {whose}", phase)


def _mark(whose: str, phase: str) -> str:
    return f"reforge {whose}: {phase}" if whose else "reforge "
