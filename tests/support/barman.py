"""A Barman home with one real server, whose WAL it compresses with gzip under the segments' own names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.ground import folder, give, run
from tests.support.postgres import postgres_tool

needs_barman = pytest.mark.skipif(shutil.which("barman") is None, reason="barman is not on this machine")
SERVER = "main"


class Barman:
    """``settings`` are for a server in ``server``; its finished segments come in by ``take_in``."""

    def __init__(self, place: Path, server: Path) -> None:
        self.place, self.home, self._server = folder(place), folder(place / "home"), server
        self._incoming = folder(folder(self.home / SERVER) / "incoming")

    @property
    def settings(self) -> dict[str, str]:
        return {"archive_mode": "on", "archive_command": f'cp "%p" "{self._incoming}/%f"'}

    @property
    def wals(self) -> Path:
        return self.home / SERVER / "wals"

    def configure(self, port: int) -> None:
        reach = f"host={self._server} port={port} user=postgres dbname=postgres"
        lines = ["[barman]", "barman_user=postgres", f"barman_home={self.home}", "compression=gzip"]
        lines += [f"log_file={self.place}/barman.log", f"[{SERVER}]", "description=of a test"]
        lines += [f"conninfo={reach}", f"streaming_conninfo={reach}", "backup_method=postgres"]
        lines += ["archiver=on", "immediate_checkpoint=true", f"path_prefix={postgres_tool('psql').parent}"]
        (self.place / "barman.conf").write_text("\n".join(lines) + "\n")
        give(self.place / "barman.conf")

    def call(self, command: str) -> str:
        return run(["barman", "-c", str(self.place / "barman.conf"), command, SERVER])

    def archived(self, name: str) -> bool:
        """Whether a segment came in; Barman takes it then."""
        if (self._incoming / name).exists():
            self.call("archive-wal")
        return (self.wals / name[:16] / name).exists()
