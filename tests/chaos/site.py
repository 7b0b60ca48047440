"""A small site whose application wrote under a ledger before the accident."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rehearsal.ledger import Entry, read_ledger
from rehearsal.site import Site
from tests.faults.site import FaultSite, fault_site
from tests.support.ground import wait_until

DEADLINE = 60.0


@dataclass(frozen=True)
class ChaosSite:
    """The incident before its first stage, and the ledger of what was acknowledged up to it."""

    faults: FaultSite
    ledger: Path

    @property
    def site(self) -> Site:
        return self.faults.site


def entries(site: Site) -> list[Entry]:
    return list(read_ledger(site.ledger)) if site.ledger.exists() else []


@contextmanager
def chaos_site() -> Iterator[ChaosSite]:
    """Load while the base backup is taken and until the accident has happened; then it has ended."""
    with fault_site(loaded=True) as made:
        kept = made.ground.home / "ledger-before.jsonl"
        shutil.copy(made.site.ledger, kept)
        yield ChaosSite(made, kept)


def wait_for_writes(site: Site, count: int) -> None:
    """Until so many more writes are acknowledged."""
    goal = len(entries(site)) + count
    wait_until(lambda: len(entries(site)) >= goal, DEADLINE, f"{count} acknowledged writes")
