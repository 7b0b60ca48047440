"""A pgBackRest repository of a real server, which pushes its WAL asynchronously."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.ground import folder, give, run
from tests.support.postgres import Postgres

needs_pgbackrest = pytest.mark.skipif(
    shutil.which("pgbackrest") is None, reason="pgbackrest is not on this machine"
)
STANZA = "main"


class Repository:
    """Its configuration, for a server in ``server`` whose archive_command is ``push``."""

    def __init__(self, place: Path, server: Path) -> None:
        self.place, self.config, self._server = folder(place), place / "pgbackrest.conf", server

    @property
    def archive(self) -> Path:
        """Where the repository keeps the segments."""
        return next((self.place / "repo/archive/main").glob("*-1/0000000100000000"))

    @property
    def settings(self) -> dict[str, str]:
        """Of the server."""
        push = f"pgbackrest --config={self.config} --stanza={STANZA} archive-push %p"
        return {"archive_mode": "on", "archive_command": push}

    def configure(self, port: int, **options: str) -> None:
        lines = ["[global]", f"repo1-path={self.place}/repo", "repo1-retention-full=9", "start-fast=y"]
        lines += [f"{name}-path={folder(self.place / name)}" for name in ("log", "lock", "spool")]
        lines += ["archive-async=y", *(f"{name}={value}" for name, value in options.items())]
        lines += [f"[{STANZA}]", f"pg1-path={self._server}/data", f"pg1-port={port}"]
        lines += [f"pg1-socket-path={self._server}", "pg1-user=postgres"]
        self.config.write_text("\n".join(lines) + "\n")
        give(self.config)

    def call(self, *words: str) -> str:
        return run(["pgbackrest", f"--config={self.config}", f"--stanza={STANZA}", *words])

    def archived(self, name: str) -> bool:
        """Whether a segment has reached the repository."""
        return any(self.place.glob(f"repo/archive/main/*/*/{name}-*"))


def create(repository: Repository, server: Postgres) -> None:
    """Make the stanza, and see that archiving works."""
    repository.call("stanza-create")
    assert server.execute("SELECT 1") == [(1,)]
