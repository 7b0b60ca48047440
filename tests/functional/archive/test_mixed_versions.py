"""Base backups of two major versions in one folder, their WAL in one archive, as pg_upgrade leaves them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archive.backups import list_backups
from archive.proof import Proof, prove
from archive.targets import Target
from stacks.providers.local.catalog import what_can_be_restored
from tests.functional.archive.test_catalog import Source
from tests.support.servers import Postgres, folder, postgres_tool, run, scratch
from toolchain.postgres import find_binaries, installations

MAJORS = sorted({one.major for one in installations()})
pytestmark = pytest.mark.skipif(len(MAJORS) < 2, reason="needs two major versions of PostgreSQL")


@dataclass(frozen=True)
class Upgraded:
    """``old`` and ``new`` are the names of the two backups."""

    place: Path

    def prove(self, target: Target) -> Proof:
        backups = list_backups(self.place / "base")
        return prove(backups, self.place / "wal", target, find_binaries(), datetime.now(UTC))


@pytest.fixture(scope="module")
def upgraded() -> Iterator[Upgraded]:
    with scratch() as place:
        with Postgres(folder(place / "old"), archive=place / "wal", major=MAJORS[0]) as server:
            server.base_backup("old", place / "base")
            server.execute("CREATE TABLE kept (id int)")
            server.switch_wal()
        newer = Postgres(folder(place / "new"), archive=place / "wal", major=MAJORS[-1])
        with newer:
            newer.execute("SELECT 1")
        reset = [str(postgres_tool("pg_resetwal", MAJORS[-1])), "-l", "0000000100000000000000A0"]
        run([*reset, "-D", str(newer.data)])
        with newer:
            newer.base_backup("new", place / "base")
            newer.execute("CREATE TABLE added (id int)")
            newer.switch_wal()
        yield Upgraded(place)


def test_the_newest_is_read_with_its_own_programs(upgraded: Upgraded) -> None:
    proof = upgraded.prove(Target("latest"))
    assert (proof.backup.name, proof.backup.version_major) == ("new", MAJORS[-1])
    assert proof.expected is not None


def test_the_old_one_is_still_of_use(upgraded: Upgraded) -> None:
    proof = upgraded.prove(Target("snapshot", "old"))
    assert (proof.backup.name, proof.backup.version_major) == ("old", MAJORS[0])
    assert proof.chain.flaw, "the newer cluster's WAL is not taken for its own"


def test_both_are_listed_with_their_windows(upgraded: Upgraded) -> None:
    found = what_can_be_restored(Source(upgraded.place / "wal", upgraded.place / "base"))
    assert {backup.name: backup.version for backup in found.backups} == {"old": MAJORS[0], "new": MAJORS[-1]}
    assert {window.backup for window in found.windows} == {"old", "new"}
