"""A base backup copied and verified / ``cp -a`` and sync. Goal: at most 1.5 times as long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.by_hand import copied
from bench.paired import alternated, timed
from bench.site import Site
from dbrestore.handler import Context
from dbrestore.postgres.copying import copy_backup
from dbrestore.postgres.durability import sync
from dbrestore.postgres.placement import Placement
from tests.support.ground import account


def run(site: Site, runs: int) -> Iterator[str]:
    """Both end with everything on disk; ours has held every file against the manifest besides."""
    site.fill()
    pairs = alternated(lambda: _ours(site), lambda: _theirs(site), runs)
    yield pairs["total"].line("copy and verify / cp -a and sync")


def _ours(site: Site) -> dict[str, float]:
    place: Path = site.folder("copied")
    placement = Placement(place, account(), {})
    seconds = timed(lambda: _copied(site, placement))
    site.remove(place)
    return {"total": seconds}


def _copied(site: Site, placement: Placement) -> None:
    copy_backup(site.backup, placement, Context("bench"))
    sync([placement.directory])


def _theirs(site: Site) -> dict[str, float]:
    seconds = timed(lambda: copied(site, "copy"))
    site.remove(site.place / "by-hand" / "copy")
    return {"total": seconds}
