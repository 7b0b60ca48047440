"""A PostgreSQL as a cloud keeps it: the administrator is no superuser, and everybody needs a password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from tests.support.servers import Postgres

KEEPER, ADMIN, PASSWORD = "rdsadmin", "postgres", "of-the-administrator"
_ROLES = f"""
    CREATE ROLE rds_superuser NOLOGIN;
    GRANT pg_monitor, pg_signal_backend TO rds_superuser WITH ADMIN OPTION;
    CREATE ROLE {ADMIN} LOGIN CREATEDB CREATEROLE PASSWORD '{PASSWORD}' IN ROLE rds_superuser;
    ALTER DATABASE postgres OWNER TO {ADMIN};
"""


@dataclass(frozen=True)
class Managed:
    """One such server. By its socket the keeper comes in without a password."""

    server: Postgres

    def url(self, database: str, user: str = ADMIN, password: str = PASSWORD) -> str:
        place = f"127.0.0.1:{self.server.port}/{quote(database)}"
        return f"postgresql://{user}:{quote(password)}@{place}"

    def keep(self, text: str, database: str = "postgres") -> None:
        """Run SQL as the keeper, who is a superuser."""
        socket = {"host": str(self.server.directory), "port": self.server.port, "user": KEEPER}
        with psycopg.connect(**socket, dbname=database, autocommit=True) as connection:
            connection.execute(text.encode())

    def empty(self) -> None:
        """Drop every database and role that users have made."""
        socket = {"host": str(self.server.directory), "port": self.server.port, "user": KEEPER}
        with psycopg.connect(**socket, dbname="template1", autocommit=True) as connection:
            found = connection.execute(
                "SELECT format('DROP DATABASE %%I WITH (FORCE)', datname) FROM pg_database"
                " WHERE datname <> ALL ('{postgres,template0,template1}') UNION ALL"
                " SELECT format('DROP ROLE %%I', rolname) FROM pg_roles"
                " WHERE rolname !~ '^(pg|rds)_' AND rolname <> ALL (%s)",
                ([KEEPER, ADMIN],),
            ).fetchall()
            for (text,) in found:
                connection.execute(str(text).encode())


@contextmanager
def managed(directory: Path) -> Iterator[Managed]:
    """A running one."""
    with Postgres(directory) as server:
        server.execute("CREATE ROLE helper SUPERUSER LOGIN")
        with psycopg.connect(server.url().replace("postgres@", "helper@"), autocommit=True) as connection:
            connection.execute(f"ALTER ROLE postgres RENAME TO {KEEPER}")
        here = Managed(server)
        here.keep(f"DROP ROLE helper; {_ROLES}")
        rules = f"local all {KEEPER} trust\nhost all all 127.0.0.0/8 scram-sha-256\n"
        (server.data / "pg_hba.conf").write_text(rules)
        here.keep("SELECT pg_reload_conf()")
        yield here
