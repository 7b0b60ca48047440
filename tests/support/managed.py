"""A PostgreSQL as a cloud keeps it: the administrator is no superuser, and everybody needs a password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import psycopg

from tests.support.servers import Postgres

PASSWORD = "of-the-administrator"
_ROLES = """
    CREATE ROLE {strong} NOLOGIN;
    GRANT pg_monitor, pg_signal_backend TO {strong} WITH ADMIN OPTION;
    CREATE ROLE {admin} LOGIN CREATEDB CREATEROLE PASSWORD '{password}' IN ROLE {strong};
    ALTER DATABASE postgres OWNER TO {admin};
"""


@dataclass(frozen=True)
class Managed:
    """One such server, by default as RDS has it. By its socket the keeper comes in without a password."""

    server: Postgres
    admin: str = "postgres"
    password: str = PASSWORD
    keeper: str = "rdsadmin"
    strong: str = "rds_superuser"
    """The role that stands in for a superuser."""

    def prepare(self) -> Managed:
        """Make the running ``server`` one; its own superuser becomes the keeper."""
        self.server.execute("CREATE ROLE helper SUPERUSER LOGIN")
        with psycopg.connect(self._url("postgres", "helper"), autocommit=True) as connection:
            connection.execute(f"ALTER ROLE postgres RENAME TO {self.keeper}".encode())
        roles = _ROLES.format(admin=self.admin, password=self.password, strong=self.strong)
        self.keep(f"DROP ROLE helper; {roles}")
        rules = f"local all {self.keeper} trust\nhost all all 127.0.0.0/8 scram-sha-256\n"
        (self.server.data / "pg_hba.conf").write_text(rules)
        self.keep("SELECT pg_reload_conf()")
        return self

    def url(self, database: str, user: str = "", password: str = "") -> str:
        """How somebody reaches a database; the administrator by default."""
        return self._url(database, f"{user or self.admin}:{quote(password or self.password)}")

    def keeps(self, database: str = "postgres") -> str:
        """How the keeper, who is a superuser, reaches a database."""
        place = f"host={self.server.directory} port={self.server.port}"
        return f"{place} user={self.keeper} dbname='{database}'"

    def keep(self, text: str, database: str = "postgres") -> None:
        """Run SQL as the keeper."""
        with psycopg.connect(self.keeps(database), autocommit=True) as connection:
            connection.execute(text.encode())

    def empty(self) -> None:
        """Drop every database and role that users have made."""
        with psycopg.connect(self.keeps("template1"), autocommit=True) as connection:
            found = connection.execute(
                "SELECT format('DROP DATABASE %%I WITH (FORCE)', datname) FROM pg_database"
                " WHERE datname <> ALL ('{postgres,template0,template1}') UNION ALL"
                " SELECT format('DROP ROLE %%I', rolname) FROM pg_roles"
                " WHERE rolname !~ '^pg_' AND rolname <> ALL (%s)",
                ([self.keeper, self.strong, self.admin],),
            ).fetchall()
            for (text,) in found:
                connection.execute(str(text).encode())

    def _url(self, database: str, who: str) -> str:
        place = urlsplit(self.server.url()).netloc.rpartition("@")[2]
        return f"postgresql://{who}@{place}/{quote(database)}"


@contextmanager
def managed(server: Postgres, **changes: str) -> Iterator[Managed]:
    """A running one; ``changes`` to its roles."""
    with server:
        yield Managed(server, **changes).prepare()
