"""Incremental base backups of PostgreSQL 18, of mixed forms."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.backups import list_backups
from archive.lsn import format_lsn
from dbrestore.postgres.instance import Instance
from problem import Problem
from tests.support.basebackups import Cluster, context
from tests.support.servers import Postgres, folder, scratch
from toolchain.postgres import installations

MAJOR = max((one.major for one in installations()), default=0)
pytestmark = pytest.mark.skipif(MAJOR < 17, reason="needs PostgreSQL 17 or later")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """full (plain) <- tuesday (tar) <- wednesday (plain), and rows between."""
    with scratch() as place:
        settings = {"summarize_wal": "on", "wal_summary_keep_time": "1d"}
        with Postgres(folder(place / "pg"), archive=place / "wal", settings=settings, major=MAJOR) as server:
            made = Cluster(server, place)
            full = made.back_up("full", "-X", "none")
            made.add(2)
            tuesday = made.back_up("tuesday", "-Ft", "-X", "stream", f"--incremental={full}/backup_manifest")
            made.add(3)
            server.execute("DELETE FROM there WHERE id < 1500")
            server.execute("VACUUM there")
            made.back_up("wednesday", "-X", "none", f"--incremental={tuesday}/backup_manifest")
            made.add(4)
            server.switch_wal()
            yield made


@pytest.fixture
def copied(cluster: Cluster) -> Iterator[Cluster]:
    with cluster.only("full", "tuesday", "wednesday"):
        yield cluster


def test_a_chain_is_combined_and_restored(cluster: Cluster) -> None:
    before, told = cluster.dump(), list[str]()
    _identity, state = Instance().create(context("again", told), cluster.inputs("again"))
    directory = cluster.place / "restores/again"
    try:
        assert state["backup"] == "wednesday"
        assert state["postgresVersion"].startswith(f"{MAJOR}.")
        assert cluster.dump(state["boundPort"]) == before
        assert "combining 3 base backups into one" in told
        homes = {Path(os.readlink(link)).parent for link in (directory / "pg_tblspc").iterdir()}
        assert homes == {directory.with_name("again.tablespaces")}
        assert not (directory / "reforge-combining").exists()
        owners = {path.lstat().st_uid for top in (directory, *homes) for path in top.rglob("*")}
        assert len(owners - {directory.stat().st_uid}) <= 1  # the mark is ours
    finally:
        Instance().delete(context("again"), str(directory), {})
    assert not directory.parent.exists()


@pytest.mark.slow
def test_an_earlier_backup_of_the_chain_is_restored_by_its_name(cluster: Cluster) -> None:
    until = {"kind": "snapshot", "value": "tuesday"}
    _identity, state = Instance().create(context("again"), cluster.inputs("again", until=until))
    try:
        assert state["backup"] == "tuesday"
        assert "2999" in cluster.dump(state["boundPort"])
        assert "3999" not in cluster.dump(state["boundPort"])
    finally:
        Instance().delete(context("again"), str(cluster.place / "restores/again"), {})


def test_the_chain_is_told(cluster: Cluster) -> None:
    found = {one.name: one for one in list_backups(cluster.base)}
    assert [one.name for one in found["wednesday"].parents] == ["full", "tuesday"]
    assert [one.name for one in found["tuesday"].parents] == ["full"]
    assert not found["full"].parents
    assert found["tuesday"].form == "tar, incremental"


def test_a_missing_parent_is_named_by_where_it_began(copied: Cluster) -> None:
    start = format_lsn(next(one for one in list_backups(copied.base) if one.name == "full").start_lsn)
    shutil.rmtree(copied.base / "full")
    found = list_backups(copied.base)
    assert not found.usable
    reasons = {one.name: one.why for one in found.broken}
    assert "needs the backup that tuesday builds on, which is not here" in reasons["wednesday"]
    assert f"it began at {start} on timeline 1" in reasons["tuesday"]
    with pytest.raises(Problem, match="needs the backup that tuesday builds on") as caught:
        Instance().create(context("again"), copied.inputs("again"))
    assert caught.value.name == "no-backup"


def test_damage_in_a_parent_is_found(copied: Cluster) -> None:
    victim = max((copied.base / "full/base").rglob("[0-9]*"), key=lambda path: path.stat().st_size)
    content = bytearray(victim.read_bytes())
    content[-1] ^= 0xFF
    victim.write_bytes(content)
    with pytest.raises(Problem, match=f"base backup full in .*{victim.name} is damaged inside") as caught:
        Instance().create(context("again"), copied.inputs("again"))
    assert caught.value.name == "backup-damaged"
    assert not (copied.place / "restores").exists()
