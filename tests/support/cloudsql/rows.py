"""Real PostgreSQL behind the fake: a server for each instance, on a loopback address of its own."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.managed import Managed
from tests.support.postgres import Postgres, postgres_tool
from tests.support.servers import folder, run

PORT = 5432
"""Of every instance of Cloud SQL, so that they differ in their address alone."""


class Instance(Postgres):
    """The server of one instance."""

    def __init__(self, directory: Path, port: int = PORT) -> None:
        one, two, three = (secrets.randbelow(253) + 1 for _ in range(3))
        self.address = f"127.{one}.{two}.{three}"
        super().__init__(directory, port, settings={"listen_addresses": self.address})

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@{self.address}:{self.port}/{database}"

    def _initialise(self) -> None:
        super()._initialise()
        # initdb trusts 127.0.0.1 alone
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 127.0.0.0/8 trust\n")


@dataclass
class Rows:
    """The servers by instance, and the data of backups and moments in dumps."""

    directory: Path
    stack: ExitStack
    servers: dict[str, Instance] = field(default_factory=dict)

    def open(self, name: str, password: str = "") -> str:
        """Start an instance's server; its address.

        One that is made with a password for its user ``postgres`` knows no other superuser than Google.
        """
        server = Instance(folder(self.directory / name))
        self.servers[name] = self.stack.enter_context(server)
        if password:
            Managed(server, "postgres", password, "cloudsqladmin", "cloudsqlsuperuser").prepare()
        return server.address

    def keep(self, of: str, database: str, named: str) -> None:
        """Keep what an instance holds now, roles included, under the name of a backup or of a moment."""
        url = self.servers[of].url(database)
        roles = run([str(postgres_tool("pg_dumpall")), "--roles-only", "-d", url])
        # A new server has its superuser already.
        kept = [line for line in roles.splitlines() if not line.endswith("ROLE postgres;")]
        data = run([str(postgres_tool("pg_dump")), "--create", "-d", url])
        self._file(named).write_text("\n".join(kept) + data)

    def fill(self, name: str, named: str) -> None:
        """Put what was kept into an instance."""
        command = [str(postgres_tool("psql")), "-qX", "-v", "ON_ERROR_STOP=1", "-d", self.servers[name].url()]
        run([*command, "-f", str(self._file(named))])

    def close(self, name: str) -> None:
        """Stop an instance's server."""
        self.servers.pop(name).stop()

    def _file(self, named: str) -> Path:
        return folder(self.directory) / f"{named}.sql"
