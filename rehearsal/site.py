"""The whole of StarForge in one folder: made, found again, started, spoiled, and removed.

A site lives in a home (``.reforge/rehearsal``): its record, the load's ledger and samples stay
there; servers and data are in the site's own folder, which goes when the site stops. Where the
rehearsal was killed, the next ``Site.create`` or ``Site.find(home).stop()`` ends what it left.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT, SIGTERM
from types import TracebackType
from typing import Any, Self

import psycopg

from problem import Problem
from rehearsal import configuration, place, record, servers
from rehearsal.accident import Accident, destroy
from rehearsal.processes import Mark, end, launch, marked, postmasters
from rehearsal.record import Record
from toolchain.accounts import server_account
from toolchain.postgres import Binaries, find_binaries

Progress = Callable[[str], None]


class Site:
    """StarForge on this machine. ``with Site.create(home) as site:`` starts it and leaves nothing."""

    def __init__(self, found: Record) -> None:
        self.record = found
        self._children: list[subprocess.Popen[bytes]] = []

    @classmethod
    def create(cls, home: Path) -> Self:
        """Claim the home for a new site, after removing what a killed rehearsal left in it.

        Refusal ``rehearsal-running`` where the one that claimed it still runs.
        """
        home = home.resolve()
        left = cls.find(home)
        if left is not None:
            if left.record.owned:
                raise record.running(home)
            left.stop()
        made = Record.new(home, place.choose(home, server_account()))
        made.claim()
        return cls(made)

    @classmethod
    def find(cls, home: Path) -> Self | None:
        """The site that was made in this home and not stopped since, running or not."""
        found = record.read(home.resolve())
        return None if found is None else cls(found)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def binaries(self) -> Binaries:
        """The PostgreSQL that the original runs on."""
        return find_binaries()

    @property
    def ledger(self) -> Path:
        """The load's ledger of acknowledged writes; it outlives the site."""
        return self.record.home / "ledger.jsonl"

    @property
    def samples(self) -> Path:
        """The load's requests, one a line; they outlive the site."""
        return self.record.home / "samples.txt"

    def start(self, progress: Progress = lambda _text: None) -> None:
        """Make and start everything but the load; ``progress`` takes a line for people at each step."""
        servers.make_folders(self.record, server_account())
        progress(f"PostgreSQL {self.binaries.version} on port {self.record.postgres_port}")
        self._children.append(servers.start_postgres(self.record, self.binaries))
        progress(f"pgbouncer on port {self.record.pgbouncer_port}")
        self._children.append(servers.start_pgbouncer(self.record))
        progress(f"the API on {self.record.api_url} and {configuration.ETL_PROCESSES} ETL workers")
        self._children.append(servers.start_application(self.record))

    def start_load(self, readers: int = 4, writers: int = 2, rate: float = 20.0) -> None:
        """Start the load anew, ``rate`` requests per second of each client, with an empty ledger."""
        self.stop_load()
        for path in (self.ledger, self.samples):
            path.write_bytes(b"")
        files = [f"--ledger={self.ledger}", f"--samples={self.samples}", f"--summary={self._summary}"]
        clients = [f"--readers={readers}", f"--writers={writers}", f"--rate={rate:g}"]
        command = [sys.executable, "-m", "rehearsal.starforge.load", f"--url={self.record.api_url}"]
        mark = Mark(self.record.folder, "load", {"PYTHONPATH": str(configuration.REPOSITORY)})
        self._children.append(launch(mark, [*command, *files, *clients], self.record.app / "load.log", None))

    def stop_load(self) -> None:
        """Stop the load and wait until its last requests are in ledger and samples."""
        end(partial(marked, self.record.folder, ["load"]), [(SIGTERM, 35), (SIGKILL, 5)])
        self._reap()

    def base_backup(self, name: str) -> Path:
        """Take a base backup, plain, with manifest and without WAL: that is in the archive."""
        target = self.record.backups / name
        tool = self.binaries.tool("pg_basebackup")
        url = f"postgresql://postgres@127.0.0.1:{self.record.postgres_port}/"
        command = [str(tool), "-D", str(target), "-d", url, "-X", "none", "-c", "fast", "--label", name]
        servers.run(command, self.record.superuser_password)
        return target

    def switch_wal(self, limit: float = 15.0) -> str:
        """End the current WAL segment and wait until the archive has it; its name.

        A commit is written first, so that recovery finds one after every earlier moment. Problem
        ``archive-stuck`` after ``limit`` seconds.
        """
        with psycopg.connect(self.record.superuser_url, autocommit=True) as connection:
            connection.execute("SELECT pg_logical_emit_message(true, 'rehearsal', 'switch')")
            row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        name = str(row[0]) if row else ""
        servers.wait_for((self.record.archive / name).exists, limit, self._stuck(name))
        return name

    def accident(self) -> Accident:
        """Run the destructive migration, and say where it happened."""
        return destroy(self.record.superuser_url)

    def config(self) -> dict[str, Any]:
        """The stack's ``reforge:`` config for this site, names without prefix, secrets in clear."""
        return configuration.stack(self.record)

    def stop(self) -> None:
        """End every process of the site and remove its folder and record; nothing else is touched.

        Instances that a restore started in its folder end too. Problem ``site-not-stopped`` where
        something does not end even when killed: then folder and record stay.
        """
        folder = self.record.folder
        end(partial(marked, folder, ["load"]), [(SIGTERM, 3), (SIGKILL, 5)])
        end(partial(marked, folder, ["supervisord"]), [(SIGTERM, 10), (SIGKILL, 5)])
        end(partial(marked, folder, ["api", "etl", "pgbouncer"]), [(SIGTERM, 5), (SIGKILL, 5)])
        end(partial(postmasters, folder), [(SIGINT, 10), (SIGQUIT, 5), (SIGKILL, 5)])
        self._reap()
        if left := marked(folder):
            what = f"Processes of the rehearsal's site {folder} do not end: {left}"
            raise Problem("site-not-stopped", what, "End them, then run the rehearsal again: it cleans up.")
        shutil.rmtree(folder, ignore_errors=not folder.exists())
        self.record.release()

    @property
    def _summary(self) -> Path:
        return self.record.home / "load.json"

    def _stuck(self, name: str) -> Problem:
        log = self.record.data.parent / "log"
        return Problem("archive-stuck", f"WAL segment {name} is not in the archive.", f"Read {log}")

    def _reap(self) -> None:
        self._children = [child for child in self._children if child.poll() is None]
