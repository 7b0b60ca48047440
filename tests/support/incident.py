"""An incident as its responders find it: StarForge was under load, the accident is done, writers are paused.

A base backup was taken before the accident, all WAL is archived, and the project is initialised
through the command line. Tests restore from it, move the application, and look for themselves.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from archive.backups import BaseBackup, list_backups
from rehearsal.accident import Accident
from rehearsal.driver import Answer, Driver
from rehearsal.enrol import enrol
from rehearsal.ledger import Entry, Instant, Reconciled, read_ledger, reconcile
from rehearsal.original import Fingerprint, fingerprint, settle
from rehearsal.processes import postmasters
from rehearsal.site import Site
from rehearsal.starforge.samples import failed, longest_stall, read_samples
from tests.support.servers import run, scratch, wait_until
from toolchain.engine import find_engine

WRITERS = 2
_DEADLINE = 60.0
"""Seconds; other tests keep the machine busy."""


@dataclass
class Incident:
    """The site, its project, and what is known of the accident."""

    site: Site
    reforge: Driver
    accident: Accident
    said: list[str] = field(default_factory=list)
    """Every line that the command line has said so far."""

    @property
    def target(self) -> str:
        """The moment before the accident, as it is typed."""
        return self.accident.time.isoformat().replace("+00:00", "Z")

    @property
    def before_the_accident(self) -> Instant:
        """The same point by every measure: it decides of every write."""
        return Instant(time=self.accident.time, lsn=self.accident.lsn)

    @property
    def backup(self) -> BaseBackup:
        return list_backups(self.site.record.backups).usable[0]

    def run(self, *words: str, expect: int = 0) -> Answer:
        """Run ``reforge --json WORDS`` to the exit code that is expected."""
        return self.reforge.run(*words, expect=expect)

    def pulumi(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the engine by its own command, as ``reforge shellenv`` lets anybody."""
        exported = self.run("shellenv").document["environment"]
        pairs = (shlex.split(line)[1].split("=", 1) for line in exported)
        command = ["pulumi", *words, "--stack", "local", "--non-interactive", "--color", "never"]
        environment = os.environ | {name: value for name, value in pairs}
        project = self.reforge.project
        return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)

    def url(self, name: str) -> str:
        return self.reforge.url(name)

    def port(self, name: str) -> int:
        return urlsplit(self.url(name)).port or 0

    def superuser_url(self, name: str) -> str:
        """A restore's own superuser, whose password is the original's."""
        mine = urlsplit(self.site.record.superuser_url)
        return mine._replace(netloc=mine.netloc.replace(f":{mine.port}", f":{self.port(name)}")).geturl()

    def reconciled(self, name: str, target: Instant) -> Reconciled:
        """The ledger of the original against the rows of a restore."""
        return reconcile(self.site.ledger, self.url(name), target, self.site.record.postgres_port)

    def fingerprint(self) -> Fingerprint:
        """Of the original, settled since the application's writes were stopped."""
        return fingerprint(self.site.record.superuser_url, self.site.record.data)

    def entries(self) -> list[Entry]:
        return list(read_ledger(self.site.ledger))

    def wait_for_writes(self, count: int) -> None:
        """Until so many more writes are acknowledged."""
        goal = len(self.entries()) + count
        wait_until(lambda: len(self.entries()) >= goal, _DEADLINE, f"{count} acknowledged writes")

    def served_port(self) -> int:
        """The port of the server that pgbouncer leads to."""
        return int(str(one(self.site.record.pooled_url, "SELECT inet_server_port()")))

    def stop_server(self, name: str) -> None:
        """End a restore's server, as an operator or a reboot would."""
        folder = self.site.record.restores / name
        run([str(self.site.binaries.tool("pg_ctl")), "stop", "-w", "-m", "fast", "-D", str(folder)])

    def left_of(self, name: str, port: int) -> list[str]:
        """What is still there of a restore that was torn down."""
        folder = self.site.record.restores / name
        with socket.socket() as probe:
            listens = probe.connect_ex(("127.0.0.1", port)) == 0
        found = {"its folder": folder.exists(), "its server": bool(postmasters(folder)), "its port": listens}
        return [what for what, there in found.items() if there]


@dataclass(frozen=True)
class Felt:
    """What the application's clients felt in an interval."""

    failed: int
    stall_ms: float
    requests: int


@contextmanager
def under_load(site: Site) -> Iterator[list[Felt]]:
    """The block runs under load, with requests seen before and after it; its one Felt is there afterwards."""
    since, felt = datetime.now(UTC), list[Felt]()
    _requests_after(site, time.time(), 20)
    yield felt
    _requests_after(site, time.time(), 20)
    until, samples = datetime.now(UTC), list(read_samples(site.samples))
    count = sum(sample.start >= since.timestamp() for sample in samples)
    felt.append(Felt(failed(samples, since, until), longest_stall(samples, since, until), count))


@contextmanager
def settled_load(site: Site) -> Iterator[None]:
    """The load of the block ends with it: every request has its answer, in ledger and samples."""
    try:
        yield
    finally:
        site.stop_load()


def _requests_after(site: Site, moment: float, count: int) -> None:
    def seen() -> bool:
        return sum(sample.start > moment for sample in read_samples(site.samples)) >= count

    wait_until(seen, _DEADLINE, f"{count} requests")


@contextmanager
def incident() -> Iterator[Incident]:
    """Everything up to and with ``reforge pause``; the load has ended. Nothing is left afterwards."""
    assert find_engine() is not None, "there is no Pulumi engine: make engine"
    with scratch("reforge-e2e-") as home, Site.create(home) as site:
        said: list[str] = []
        reforge = Driver(_folder(home / "project"), said.append)
        site.start_load(writers=WRITERS, rate=40)
        made = Incident(site, reforge, _spoil(site), said)
        enrol(site, reforge)
        made.wait_for_writes(10)
        made.run("pause", "--yes")
        site.stop_load()
        site.switch_wal()
        settle(site.record.superuser_url)
        yield made
        folder = site.record.folder
    assert not folder.exists()


def _spoil(site: Site) -> Accident:
    """Writes, a base backup under them, more writes, the accident."""

    def written(count: int) -> bool:
        return sum(1 for _ in read_ledger(site.ledger)) >= count

    wait_until(lambda: written(30), _DEADLINE, "the first writes")
    site.base_backup("monday")
    known = sum(1 for _ in read_ledger(site.ledger))
    wait_until(lambda: written(known + 60), _DEADLINE, "writes after the base backup")
    return site.accident()


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def one(url: str, query: str, *values: object) -> object:
    """The first column of the first row."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        row = connection.execute(query.encode(), values).fetchone()
    return row[0] if row else None
