"""A tablespace made after the base backup: replaying that would write into the original's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbrestore.postgres.instance import Instance
from problem import Problem
from tests.support.basebackups import Cluster, context
from tests.support.servers import Postgres, folder, scratch


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A backup, a row, a point before CREATE TABLESPACE, and a table in it."""
    with scratch() as place, Postgres(folder(place / "pg"), archive=place / "wal") as server:
        made = Cluster(server, place)
        made.back_up("monday", "-X", "none")
        made.add(2)
        server.execute("SELECT pg_create_restore_point('before-it')")
        server.execute(f"CREATE TABLESPACE late LOCATION '{folder(place / 'late')}'")
        server.execute("CREATE TABLE much_later (id int) TABLESPACE late")
        server.execute("INSERT INTO much_later VALUES (1)")
        server.switch_wal()
        yield made


def state_of(place: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in place.rglob("*")}


def test_the_restore_is_refused_and_the_originals_folder_stays_as_it_is(cluster: Cluster) -> None:
    before = state_of(cluster.place / "late")
    with pytest.raises(Problem) as caught:
        Instance().create(context("bad"), cluster.inputs("bad"))
    assert caught.value.name == "tablespace-created-since"
    assert str(cluster.place / "late") in caught.value.what
    assert state_of(cluster.place / "late") == before
    assert not (cluster.place / "restores").exists()


def test_a_point_before_it_is_restored(cluster: Cluster) -> None:
    until = {"kind": "name", "value": "before-it"}
    _identity, state = Instance().create(context("good"), cluster.inputs("good", until=until))
    try:
        assert "2999" in cluster.dump(state["boundPort"])
    finally:
        Instance().delete(context("good"), str(cluster.place / "restores/good"), {})
