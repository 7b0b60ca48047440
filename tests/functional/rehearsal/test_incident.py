"""Load, base backup, accident and ledger, as the rehearsal's story puts them together."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import psycopg

from rehearsal.ledger import Entry, Instant, read_ledger, reconcile
from rehearsal.site import Site
from rehearsal.starforge.samples import failed, longest_stall, read_samples
from tests.support.servers import wait_until

COLUMN = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'name'"


def test_load_backup_accident_and_ledger_fit_together(site: Site) -> None:
    began = datetime.now(UTC)
    site.start_load(readers=2, writers=2, rate=50)
    wait_until(lambda: len(list(read_ledger(site.ledger))) > 10)
    backup = site.base_backup("first")
    assert (backup / "backup_manifest").exists()
    accident = site.accident()
    after = len(list(read_ledger(site.ledger)))
    wait_until(lambda: len(list(read_ledger(site.ledger))) > after + 10)
    assert (site.record.archive / site.switch_wal()).exists()
    site.stop_load()

    entries, now = list(read_ledger(site.ledger)), datetime.now(UTC)
    assert failed(read_samples(site.samples), began, now) == 0
    assert longest_stall(read_samples(site.samples), began, now) > 0
    told = json.loads((site.record.home / "load.json").read_text())
    assert told["requests"] == told["ok"] == len(list(read_samples(site.samples)))
    assert len(entries) == sum(one.kind == "write" for one in read_samples(site.samples))

    exact = Instant(time=accident.time, lsn=accident.lsn, xid=accident.xid, inclusive=False)
    _check_sides(site, entries, exact)
    found = reconcile(site.ledger, site.record.source_url, exact, site.record.postgres_port)
    assert len(found.missing) > 0, "what the migration deleted is known to be missing"
    assert found.acknowledged_before_target + len(found.intruding) + found.undecided == len(entries)
    assert reconcile(site.ledger, site.record.source_url, exact, 1).acknowledged_before_target == 0
    assert _count(site, COLUMN) == _count(site, "SELECT count(*) FROM user_troops") == 0


def _check_sides(site: Site, entries: list[Entry], target: Instant) -> None:
    """By the LSN of the accident's locks every write is decided, and as the time says where that decides."""
    sides = [target.side(entry) for entry in entries]
    assert set(sides) == {"before", "after"}
    by_time = [Instant(time=target.time).side(entry) for entry in entries]
    assert all(time in (side, "undecided") for side, time in zip(sides, by_time, strict=True))
    assert by_time.count("undecided") <= 2, "at most one write of each writer waits for the locks"


def _count(site: Site, query: str) -> Any:
    with psycopg.connect(site.record.source_url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row and row[0]
