"""Recovery from archives that PostgreSQL cannot link to: the WAL is fetched ahead of it and unpacked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dbrestore.handler import Context
from dbrestore.postgres import spool
from dbrestore.postgres.instance import Instance
from problem import Problem
from tests.support.buckets import gcs, s3
from tests.support.servers import Postgres, folder, scratch
from tests.support.wal_archives import compress, put

URN = "urn:pulumi:test::reforge::dbrestore:postgres:Instance::{}"


@dataclass
class Original:
    """A cluster whose rows 1 to 6 each lie in a segment of their own; row 1 in the base backup already."""

    folder: Path
    segments: dict[int, str]
    xids: dict[int, str]

    @property
    def wal(self) -> Path:
        return self.folder / "wal"

    def inputs(self, archive: Path | str, name: str = "restored", until: Any = None, **more: Any) -> Any:
        source = {"database": "postgres", "user": "postgres", "backups": self.folder / "base"}
        declared = {
            "name": name,
            "directory": self.folder / "restores" / name,
            "source": source | {"archive": archive} | more,
            "until": until or {"kind": "latest"},
            "operators": ["127.0.0.1/32"],
        }
        return Instance.inputs.model_validate(declared)

    def restore(self, archive: Path | str, until: Any = None, **more: Any) -> list[int]:
        """The rows of a restore, which is removed again."""
        inputs = self.inputs(archive, until=until, **more)
        context = Context(URN.format("restored"))
        identity, state = Instance().create(context, inputs)
        try:
            assert not (inputs.directory / spool.NAME).exists()
            return rows(inputs, state)
        finally:
            Instance().delete(context, identity, state)
            assert not inputs.directory.exists()


def rows(inputs: Any, state: dict[str, Any]) -> list[int]:
    with psycopg.connect(
        host=str(inputs.directory), port=state["boundPort"], user="postgres", dbname="postgres"
    ) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM steps ORDER BY id")]


@pytest.fixture(scope="module")
def original() -> Iterator[Original]:
    with scratch() as place:
        segments, xids = {}, {}
        with Postgres(folder(place / "pg"), archive=place / "wal") as server:
            server.execute("CREATE TABLE steps (id int PRIMARY KEY); INSERT INTO steps VALUES (1)")
            server.base_backup("monday", place / "base")
            for step in range(2, 7):
                [(xids[step],)] = server.execute(
                    f"INSERT INTO steps VALUES ({step}) RETURNING pg_current_xact_id()::text"
                )
                segments[step] = server.switch_wal()
        yield Original(place, segments, xids)


@pytest.fixture
def place(original: Original) -> Iterator[Path]:
    """Where a test lays an archive of its own."""
    path = folder(original.folder / "own")
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize("suffixes", [(".gz",), (".lz4",), (".zst",), ("", ".zst", ".gz", ".lz4")])
def test_every_compression_and_a_mixture_is_replayed_to_its_end(
    original: Original, place: Path, suffixes: tuple[str, ...]
) -> None:
    archive = compress(original.wal, place / "wal", *suffixes)
    assert original.restore(archive) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("store", [s3, gcs])
def test_an_archive_in_an_object_store_is_replayed(original: Original, place: Path, store: Any) -> None:
    with store(place / "store") as bucket:
        url = bucket.fill(compress(original.wal, place / "wal", ".zst", ""), "wal")
        storage = {"endpoint_url": bucket.options["endpoint_url"], "anon": bucket.options.get("anon", False)}
        before = {"kind": "xid", "value": original.xids[3], "inclusive": False}
        assert original.restore(url, before, storage=storage) == [1, 2]
        assert original.restore(url, storage=storage) == [1, 2, 3, 4, 5, 6]


def restore_in_vain(original: Original, archive: Path | str, **more: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        original.restore(archive, **more)
    assert not (original.folder / "restores").exists()
    return caught.value


def test_a_missing_segment_is_told_before_anything_is_made(original: Original, place: Path) -> None:
    archive = compress(original.wal, place / "wal", ".lz4")
    (archive / f"{original.segments[4]}.lz4").unlink()
    problem = restore_in_vain(original, archive)
    assert (problem.name, original.segments[4] in problem.what) == ("wal-missing", True)
    assert original.restore(archive, {"kind": "xid", "value": original.xids[3]}) == [1, 2, 3]


@pytest.mark.parametrize("suffix", [".gz", ".lz4", ".zst"])
def test_garbage_is_told_before_anything_is_made(original: Original, place: Path, suffix: str) -> None:
    archive = compress(original.wal, place / "wal", suffix)
    victim = archive / (original.segments[4] + suffix)
    victim.write_bytes(victim.read_bytes()[:4] + bytes(range(256)) * 64)
    problem = restore_in_vain(original, archive)
    assert (problem.name, original.segments[4] in problem.what) == ("wal-missing", True)
    assert "is damaged" in problem.what or "cut short" in problem.what


@pytest.mark.parametrize("suffix", [".gz", ".lz4", ".zst"])
def test_a_segment_that_ends_early_stops_recovery_by_name_and_leaves_nothing(
    original: Original, place: Path, suffix: str
) -> None:
    archive = compress(original.wal, place / "wal", suffix)
    victim = archive / (original.segments[4] + suffix)
    victim.write_bytes(victim.read_bytes()[:-200])
    problem = restore_in_vain(original, archive)
    assert (problem.name, str(victim) in problem.what) == ("wal-damaged", True)
    assert original.restore(archive, {"kind": "xid", "value": original.xids[3]}) == [1, 2, 3]
    put(original.wal / original.segments[4], archive, suffix)
    assert original.restore(archive) == [1, 2, 3, 4, 5, 6]


def test_a_damaged_object_in_a_bucket_is_named_by_its_url(original: Original, place: Path) -> None:
    with s3(place / "store") as bucket:
        url = bucket.fill(compress(original.wal, place / "wal", ".zst"), "wal")
        storage = {"endpoint_url": bucket.options["endpoint_url"]}
        victim = f"{url}/{original.segments[4]}.zst"
        bucket.put(victim, b"\x28\xb5\x2f\xfd" + b"garbage" * 100)
        problem = restore_in_vain(original, url, storage=storage)
        assert (problem.name, victim in problem.what) == ("wal-damaged", True)
        bucket.drop(victim)
        assert restore_in_vain(original, url, storage=storage).name == "wal-missing"
