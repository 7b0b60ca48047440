"""A real pgbouncer for functional tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from tests.support.ground import Server, accepts, as_account, free_port, give
from toolchain.pgbouncer import find_pgbouncer


class Pgbouncer(Server):
    """A pgbouncer in transaction mode that trusts loopback.

    ``databases``: name -> connection string of its [databases] entry, ``"host=127.0.0.1 port=5432"``.
    ``settings`` go to the [pgbouncer] section, ``users`` (name -> password) to its userlist.
    """

    def __init__(
        self,
        directory: Path,
        databases: Mapping[str, str],
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        users: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(directory)
        self.ini, self.port, self.databases = directory / "pgbouncer.ini", port or free_port(), databases
        self.users = {"admin": "admin", "postgres": "", **(users or {})}
        self.settings = {**self._defaults(), **(settings or {})}

    def _defaults(self) -> dict[str, str]:
        return {
            "listen_addr": "127.0.0.1",
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "auth_type": "trust",
            "auth_file": str(self.directory / "userlist.txt"),
            "admin_users": "admin",
            "pool_mode": "transaction",
            "max_client_conn": "200",
            "ignore_startup_parameters": "extra_float_digits",
        }

    @property
    def admin_url(self) -> str:
        return f"postgresql://admin:{self.users['admin']}@127.0.0.1:{self.port}/pgbouncer"

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def show(self, what: str) -> list[dict[str, Any]]:
        """Rows of ``SHOW what`` of the admin console, by column name."""
        with psycopg.connect(self.admin_url, autocommit=True, prepare_threshold=None) as console:
            cursor = psycopg.ClientCursor(console, row_factory=psycopg.rows.dict_row)
            return cursor.execute(f"SHOW {what}".encode()).fetchall()

    def start(self) -> None:
        """Write the ini (where there is none yet) and run until the admin console answers."""
        if not self.ini.exists():
            self._write()
        self._launch([str(find_pgbouncer()), str(self.ini)], lambda: accepts(self.admin_url), **as_account())

    def _write(self) -> None:
        entries = [f"{name} = {target}" for name, target in self.databases.items()]
        settings = [f"{key} = {value}" for key, value in self.settings.items()]
        self.ini.write_text("\n".join(["[databases]", *entries, "", "[pgbouncer]", *settings, ""]))
        users = self.directory / "userlist.txt"
        users.write_text("".join(f'"{name}" "{password}"\n' for name, password in self.users.items()))
        give(self.ini), give(users)
