"""A real PostgreSQL for functional tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from tests.support.ground import Server, accepts, as_account, folder, free_port, run, wait_until
from toolchain.postgres import find_binaries


def postgres_tool(name: str, major: int | None = None) -> Path:
    """A program of the PostgreSQL that this machine would restore with, or of another major version."""
    return find_binaries(major).tool(name)


class Postgres(Server):
    """A PostgreSQL instance with superuser ``postgres``, trusted on loopback and its own socket.

    ``archive``: a folder; with it every finished WAL segment is copied there. ``major``: another version than
    the one that this machine would restore with.
    """

    def __init__(
        self,
        directory: Path,
        port: int | None = None,
        archive: Path | None = None,
        settings: Mapping[str, str] | None = None,
        major: int | None = None,
    ) -> None:
        super().__init__(directory)
        self.major = major
        self.data, self.port, self.archive = directory / "data", port or free_port(), archive
        self.settings = {**self._defaults(), **(settings or {})}

    def _defaults(self) -> dict[str, str]:
        ours = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
            "fsync": "off",
            "full_page_writes": "on",
            "wal_level": "replica",
            "shared_buffers": "16MB",
            "max_connections": "40",
            "log_line_prefix": "%m [%p] ",
        }
        if self.archive is not None:
            kept = f"{folder(self.archive)}/%f"
            command = f'test ! -f "{kept}" && cp "%p" "{kept}.part" && mv "{kept}.part" "{kept}"'
            ours |= {"archive_mode": "on", "archive_command": command}
        return ours

    def start(self) -> None:
        """Initialise the data directory where there is none yet, and run until connections work."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        command = [str(postgres_tool("postgres", self.major)), "-D", str(self.data)]
        self._launch(command, lambda: accepts(self.url()), **as_account())

    def stop(self, signal: int = 2) -> None:
        """Stop it: SIGINT is a fast shutdown, SIGQUIT a crash."""
        super().stop(signal)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run SQL in autocommit; the rows of its last statement, [] where it gives none."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def base_backup(self, name: str, into: Path) -> Path:
        """Take a plain base backup, with manifest and without WAL, into ``into``/``name``."""
        target = folder(into) / name
        command = [str(postgres_tool("pg_basebackup", self.major)), "-D", str(target), "-X", "none"]
        command += ["-c", "fast", "-d", self.url(), "--no-sync", "--label", name]
        run(command)
        return target

    def switch_wal(self) -> str:
        """End the current WAL segment and, with an archive, wait until it lies there; its name.

        Writes a record first (no commit), so that there is always something to switch.
        """
        self.execute("SELECT pg_logical_emit_message(false, 'test', 'switch')")
        name = str(self.execute("SELECT pg_walfile_name(pg_switch_wal())")[0][0])
        if self.archive is not None:
            kept = self.archive / name
            wait_until(kept.exists, what=f"{name} being archived")
        return name

    def _initialise(self) -> None:
        options = ["-U", "postgres", "--auth=trust", "-N", "-E", "UTF8", "--locale=C.UTF-8"]
        run([str(postgres_tool("initdb", self.major)), "-D", str(self.data), *options])
        self._configure()

    def _configure(self) -> None:
        lines = [f"{key} = '{_quoted(value)}'" for key, value in self.settings.items()]
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write("\n".join(lines) + "\n")


def _quoted(value: str) -> str:
    return value.replace("'", "''")
