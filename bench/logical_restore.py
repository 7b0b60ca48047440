"""A dump restored with ANALYZE / ``pg_restore -Fd -j2`` and ANALYZE. Goal: 1.5 times as fast."""

from __future__ import annotations

from collections.abc import Iterator

from bench.paired import alternated, timed
from bench.restoring import restore
from bench.site import Site
from tests.support.ground import folder
from tests.support.ground import run as run_as_servers
from tests.support.postgres import Postgres


def run(site: Site, runs: int) -> Iterator[str]:
    """Ours makes the new cluster within its time; theirs finds a running one with default durability."""
    dump = str(site.dump)
    pairs = alternated(lambda: restore(site, "dump", dump, dump={"jobs": 2}), lambda: _theirs(site), runs)
    yield pairs["total"].speed("logical restore / pg_restore -Fd -j2, ANALYZE")


def _theirs(site: Site) -> dict[str, float]:
    place = folder(site.place / "pg_restore")
    settings = {"fsync": "on", "shared_buffers": "128MB", "max_wal_size": "1GB"}
    with Postgres(place, settings=settings) as server:
        seconds = timed(lambda: _restored(site, server))
    site.remove(place)
    return {"total": seconds}


def _restored(site: Site, server: Postgres) -> None:
    tool = site.binaries.tool
    run_as_servers([str(tool("pg_restore")), "-Fd", "-j2", "-d", server.url(), str(site.dump)])
    run_as_servers([str(tool("vacuumdb")), "--analyze-only", "-j2", "-q", "-d", server.url()])
    server.execute("CHECKPOINT")
