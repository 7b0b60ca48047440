"""The rehearsal: one incident on this machine, from the accident to the rollback, with nothing simulated.

Every stage is a command of Reforge, run as its user runs it. Between them the story looks for itself:
the load's ledger against the restored rows, the original's fingerprint, failed requests and stalls.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from problem import Problem
from rehearsal.accident import Accident
from rehearsal.driver import Driver, Say
from rehearsal.enrol import enrol
from rehearsal.ledger import Instant, read_ledger, reconcile
from rehearsal.original import Fingerprint, fingerprint, settle
from rehearsal.site import Site
from rehearsal.starforge.samples import failed, longest_stall, read_samples
from toolchain.engine import find_engine

RESTORE, TOO_LATE = "starforge-restore", "starforge-too-late"
LONGEST_STALL_MS = 1000
"""What a client may wait at most during a cut-over under load."""
CALM_SECONDS = 1.0
"""Load before and after each move of the application, so that its clients are seen on both sides."""


@dataclass
class Story:
    """One rehearsal; ``report`` grows as it goes and is written whatever happens."""

    home: Path
    say: Say
    report: dict[str, Any] = field(default_factory=dict)
    moves: list[tuple[datetime, datetime]] = field(default_factory=list)
    """When the application was moved under load."""

    def tell(self) -> dict[str, Any]:
        """Play the whole incident; gives the report, with ``result`` "succeeded" or "failed"."""
        engine = find_engine()
        self.report = {"result": "failed", "stages": []}
        if engine:
            self.report["engine"] = {"version": engine.version, "origin": engine.description}
        try:
            site = Site.create(self.home)
            try:
                self._play(site)
            finally:
                site.stop()
        except Problem as problem:
            self.report["why"] = str(problem)
            raise
        finally:
            self._write()
        return self.report

    def _play(self, site: Site) -> None:
        self.report["postgres"] = {"version": site.binaries.version}
        reforge = Driver(self._project(), self.say)
        with self._stage("load", "StarForge runs: an API and ETL workers behind pgbouncer, under load"):
            self._begin_load(site)
        with self._stage("init", "Reforge learns where the database, its backups and its writers are"):
            enrol(site, reforge)
        with self._stage(
            "accident", "A destructive migration: a column dropped, a table emptied, snapshots deleted"
        ):
            accident = self._spoil(site)
        with self._stage("pause", "Writers stop: the ETL workers and the API's write path"):
            reforge.run("pause", "--yes")
            before = self._freeze(site)
        with self._stage("restore", "A new instance, as the database was just before the accident"):
            reforge.run("restore", RESTORE, "--time", self.report["target_time"], "--yes")
            self._reconcile(site, reforge, accident)
        with self._stage("validate", "The validation suite: data, API and one ETL worker on the restore"):
            reforge.run("validate", RESTORE, "--yes")
        with self._stage("failed-restore", "Another restore, to a moment too late: validation must catch it"):
            reforge.run("restore", TOO_LATE, "--latest", "--yes")
            reforge.run("validate", TOO_LATE, "--yes", expect=1)
        with self._stage("teardown", "The failed restore is removed, and nothing else"):
            reforge.run("teardown", TOO_LATE, "--yes")
            self._compare(site, before)
        with self._stage("cutover", "pgbouncer is paused, pointed to the restore and resumed, under load"):
            self._move(site, lambda: reforge.run("cutover", RESTORE, "--yes"), self._port(reforge))
        with self._stage("canary", "One ETL worker comes back"):
            reforge.run("resume", "--canary", "--yes")
            self._processed(reforge)
        with self._stage("resume", "All writers are back"):
            reforge.run("resume", "--yes")
            self._acknowledged(site, 20)
        with self._stage("rollback", "Back to the original under full load, with what that would lose"):
            answer = self._move(site, lambda: reforge.run("rollback", "--yes"), site.record.postgres_port)
            self._tell_loss(site, answer.document.get("written_since_cutover", {}))
        with self._stage("cutover-again", "And to the restore once more"):
            self._move(site, lambda: reforge.run("cutover", RESTORE, "--yes"), self._port(reforge))
        site.stop_load()
        self._judge(site)

    def _begin_load(self, site: Site) -> None:
        site.start(lambda line: self.say(f"  {line}"))
        site.start_load()
        self._acknowledged(site, 20)
        self.say("  base backup while the load runs")
        site.base_backup("monday")
        self._acknowledged(site, 20)

    def _spoil(self, site: Site) -> Accident:
        accident = site.accident()
        self.report["target_time"] = accident.time.isoformat().replace("+00:00", "Z")
        self.say(
            f"  it happened just after {self.report['target_time']}, at {accident.lsn}, "
            f"in transaction {accident.xid}"
        )
        self._acknowledged(site, 20)
        self.say("  nobody has noticed; writes go on over lost data")
        return accident

    def _freeze(self, site: Site) -> Fingerprint:
        """The original once the application writes no more: all its WAL archived, its files settled."""
        site.switch_wal()
        settle(site.record.superuser_url)
        found = fingerprint(site.record.superuser_url, site.record.data)
        self.report["original"] = {"fingerprint_before": found.digest, "fingerprint_after": ""}
        return found

    def _compare(self, site: Site, before: Fingerprint) -> None:
        after = fingerprint(site.record.superuser_url, site.record.data)
        self.report["original"]["fingerprint_after"] = after.digest
        if after != before:
            raise Problem("rehearsal-failed", "The original was changed by the restore's own work.")
        self.say(f"  the original is untouched: fingerprint {after.digest[:12]} before and after")

    def _reconcile(self, site: Site, reforge: Driver, accident: Accident) -> None:
        target = Instant(accident.time, accident.lsn)
        found = reconcile(site.ledger, reforge.url(RESTORE), target, site.record.postgres_port)
        self.report["ledger"] = found.report()
        self.say(
            f"  ledger: {found.acknowledged_before_target} writes acknowledged before the accident, "
            f"{len(found.missing)} missing; {len(found.intruding)} from after it"
        )
        if found.missing or found.intruding or not found.acknowledged_before_target:
            raise Problem("rehearsal-failed", f"The restored rows differ from the ledger: {found.report()}")

    def _port(self, reforge: Driver) -> int:
        """Where the restore listens."""
        return urlsplit(reforge.url(RESTORE)).port or 0

    def _move(self, site: Site, move: Callable[[], Any], port: int) -> Any:
        """Move the application under load to the server on ``port``, and keep when that was."""
        since = datetime.now(UTC)
        time.sleep(CALM_SECONDS)
        answer = move()
        time.sleep(CALM_SECONDS)
        self.moves.append((since, datetime.now(UTC)))
        served = _serving_port(site.record.pooled_url)
        if served != port:
            raise Problem("rehearsal-failed", f"pgbouncer leads to port {served}, not to {port}.")
        samples = list(read_samples(site.samples))
        stall, broken = longest_stall(samples, *self.moves[-1]), failed(samples, *self.moves[-1])
        self.say(f"  under load: {broken} failed requests, longest stall {stall:.0f} ms")
        return answer

    def _tell_loss(self, site: Site, written: dict[str, Any]) -> None:
        """What the rollback said was written since the cut-over, beside what the ledger knows of it."""
        known = sum(
            entry.server not in (None, site.record.postgres_port) for entry in read_ledger(site.ledger)
        )
        said = written.get("public.hero_snapshots", written.get("hero_snapshots", {})).get("inserted", 0)
        self.report["written_since_cutover"] = written
        self.say(f"  the ledger holds {known} snapshots that the restore took; the rollback spoke of {said}")
        if not said:
            raise Problem("rehearsal-failed", "The rollback did not say what was written since the cut-over.")

    def _acknowledged(self, site: Site, count: int) -> None:
        """Wait for so many more acknowledged writes."""
        goal = sum(1 for _ in read_ledger(site.ledger)) + count
        _wait(lambda: sum(1 for _ in read_ledger(site.ledger)) >= goal, f"{count} acknowledged writes")

    def _processed(self, reforge: Driver) -> None:
        """Wait until the canary has processed what was waiting."""
        query = "SELECT count(*) FROM hero_snapshots WHERE processed_at IS NULL"
        with psycopg.connect(reforge.url(RESTORE), autocommit=True) as connection:
            _wait(lambda: connection.execute(query).fetchone() == (0,), "the canary's work")
        self.say("  the canary has processed every snapshot that waited")

    def _judge(self, site: Site) -> None:
        samples = list(read_samples(site.samples))
        stalls = [longest_stall(samples, *move) for move in self.moves]
        broken = sum(failed(samples, *move) for move in self.moves)
        self.report["cutover"] = {"failed_requests": broken, "longest_stall_ms": round(max(stalls), 1)}
        if broken or max(stalls) > LONGEST_STALL_MS:
            raise Problem("rehearsal-failed", f"The application felt the cut-over: {self.report['cutover']}")
        self.report["result"] = "succeeded"

    def _project(self) -> Path:
        """A fresh project of the rehearsal's own; nothing of the user's stacks is touched."""
        project = self.home / "project"
        shutil.rmtree(project, ignore_errors=True)
        project.mkdir(parents=True)
        return project

    @contextmanager
    def _stage(self, name: str, words: str) -> Iterator[None]:
        self.say(f"\n== {name}: {words}")
        entry: dict[str, Any] = {"name": name, "state": "running", "seconds": 0.0}
        self.report["stages"].append(entry)
        begun = time.monotonic()
        try:
            yield
            entry["state"] = "done"
        except BaseException:
            entry["state"] = "failed"
            raise
        finally:
            entry["seconds"] = round(time.monotonic() - begun, 2)

    def _write(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "report.json").write_text(json.dumps(self.report, indent=2) + "\n")


def _serving_port(pooled_url: str) -> int:
    """The port of the server that pgbouncer leads to."""
    with psycopg.connect(pooled_url, autocommit=True, prepare_threshold=None) as connection:
        row = connection.execute("SELECT inet_server_port()").fetchone()
    return int(row[0]) if row else 0


def _wait(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Problem("rehearsal-failed", f"Waited {seconds:.0f} s in vain for {what}.")
        time.sleep(0.05)
