"""The ground of the fault matrix: one small site a worker, and the positions of an incident on it.

A position is kept once (project, restored instance, the site's own files) and copied for each cell,
so that a cell at the cut-over does not pay for a restore and a validation of its own.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import psycopg

from rehearsal.original import Fingerprint, fingerprint, settle
from rehearsal.site import Site
from tests.faults.instances import owner, remove, run_as_server, start, stop
from tests.faults.sources import SOURCES, take_backups
from tests.faults.world import DEADLINE, World
from tests.support.ground import folder, wait_until
from tests.support.servers import scratch
from tests.support.small_site import Ground, Project

NAME = "before-accident"
_FRESH = """
INSERT INTO hero_snapshots (user_id, key, payload)
SELECT id, 'fresh-' || gen_random_uuid(), '{}' FROM users LIMIT 1
"""
_WAITING = "SELECT count(*) FROM hero_snapshots WHERE processed_at IS NULL"
_PROCESSED = "UPDATE hero_snapshots SET processed_at = now() WHERE processed_at IS NULL"


@dataclass(frozen=True)
class Kept:
    """A position: its project and its instance in a folder, and the site's files."""

    folder: Path
    source: str
    files: dict[Path, bytes]
    working: bool

    @property
    def instance(self) -> Path:
        return self.folder / "instance"


@dataclass
class FaultSite:
    """A site after its accident, with base backups of every source before it."""

    ground: Ground
    world: World
    positions: dict[tuple[str, str], Kept] = field(default_factory=dict)
    count: int = 0

    @property
    def site(self) -> Site:
        return self.ground.site

    @property
    def target(self) -> str:
        return self.ground.target

    @cached_property
    def before(self) -> Fingerprint:
        """Of the original, once the application's writes are stopped."""
        settle(self.site.record.superuser_url)
        return self.fingerprint()

    def fingerprint(self) -> Fingerprint:
        return fingerprint(self.site.record.superuser_url, self.site.record.data)

    def stored(self) -> dict[str, tuple[int, int]]:
        """Sizes and times of all that is in the archives and backups."""
        roots = [self.site.record.archive, self.site.record.backups, self.stores]
        files = (path for root in roots for path in root.rglob("*") if path.is_file())
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}

    def asked(self, source: str) -> list[str]:
        """What is typed after ``restore NAME`` to have it from a source."""
        return SOURCES[source].asked(self.target, self.stores)

    @property
    def stores(self) -> Path:
        """Where the backups and archives of the other sources lie."""
        return self.site.record.folder / "stores"

    @contextmanager
    def at(self, source: str, position: str) -> Iterator[Project]:
        """A project of its own at a position; everything is put back afterwards, whatever happened."""
        kept = self._kept(source, position)
        self.count += 1
        project = Project(self.ground.home / f"cell-{self.count}", self.site)
        try:
            self._enter(kept, project)
            yield project
        finally:
            self.clear(project)

    def _enter(self, kept: Kept, project: Project) -> None:
        shutil.copytree(kept.folder / "project", project.folder, symlinks=True)
        self.world.put(kept.files, kept.working)
        if kept.instance.exists():
            data = SOURCES[kept.source].data(project, NAME)
            folder(data.parent)
            run_as_server(["cp", "-a", "--reflink=auto", str(kept.instance), str(data)])
            start(self.site, data)

    def clear(self, project: Project) -> None:
        """End and remove whatever a cell left, so that the next one is not judged by it."""
        for pid in project.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not project.processes(), DEADLINE, "the end of a cell's processes")
        for path in project.restores.iterdir():
            remove(path)
        for source in SOURCES.values():
            source.clear(self.site)
        remove(project.folder)
        self.world.put(self.positions["plain", "paused"].files, working=False)

    def _kept(self, source: str, position: str) -> Kept:
        if (source, position) not in self.positions:
            if position == "paused":
                with self.at("plain", position) as project:
                    SOURCES[source].declare(project, self.stores)
                    self._keep(source, position, project)
            else:
                before, words = _WAYS[position]
                with self.at(source, before) as project:
                    project.reforge(*words(self, source), "--yes")
                    self._keep(source, position, project)
        return self.positions[source, position]

    def _keep(self, source: str, position: str, project: Project) -> None:
        kept = Kept(
            self.ground.home / "kept" / f"{source}-{position}",
            source,
            self.world.files(),
            position == "normal",
        )
        kept.folder.mkdir(parents=True)
        shutil.copytree(project.folder, kept.folder / "project", symlinks=True)
        instance = SOURCES[source].data(project, NAME)
        if instance.exists():
            stop(self.site, instance)
            shutil.chown(kept.folder, *owner())
            run_as_server(["cp", "-a", "--reflink=auto", str(instance), str(kept.instance)])
        self.positions[source, position] = kept


Words = Callable[[FaultSite, str], list[str]]
_WAYS: dict[str, tuple[str, Words]] = {
    "restored": ("paused", lambda site, source: ["restore", NAME, *site.asked(source)]),
    "validated": ("restored", lambda _site, source: SOURCES[source].accepting(NAME)),
    "serving": ("validated", lambda _site, _source: ["cutover", NAME]),
}
"""How each position is come to: from which other one, by which command."""


def _write(site: Site) -> None:
    """A row as the application writes it and its workers process it."""
    with psycopg.connect(site.record.source_url) as connection:
        connection.execute(_FRESH)
        connection.execute(_PROCESSED)


@contextmanager
def _loaded(site: Site) -> Iterator[None]:
    """Writes under the ledger before, within and after the block."""
    site.start_load(readers=1, writers=2, rate=40)
    _written(site, 30)
    yield
    _written(site, 30)
    site.stop_load()
    with psycopg.connect(site.record.source_url, autocommit=True) as connection:
        wait_until(lambda: connection.execute(_WAITING).fetchone() == (0,), DEADLINE, "the workers' work")


def _written(site: Site, count: int) -> None:
    def known() -> int:
        return site.ledger.read_bytes().count(b"\n") if site.ledger.exists() else 0

    goal = known() + count
    wait_until(lambda: known() >= goal, DEADLINE, f"{count} acknowledged writes")


@contextmanager
def fault_site(loaded: bool = False) -> Iterator[FaultSite]:
    """Everything up to and with ``reforge pause``; nothing is left afterwards. ``loaded``: with a ledger."""
    with scratch("reforge-faults-") as home, Site.create(home) as site:
        stores = site.record.folder / "stores"
        with _loaded(site) if loaded else nullcontext():
            _write(site)
            take_backups(site, stores)
            _write(site)
            accident = site.accident()
        site.switch_wal()
        for source in SOURCES.values():
            source.store_wal(site, stores)
        ground = Ground(home, site, accident)
        project = ground.init(ground.template)
        made = FaultSite(ground, World(site))
        made._keep("plain", "normal", project)
        project.reforge("pause", "--yes")
        made._keep("plain", "paused", project)
        assert made.before == made.fingerprint()
        yield made
