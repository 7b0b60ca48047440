"""Recovery from archives that PostgreSQL cannot link to: the WAL is fetched ahead of it and unpacked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from archive.backups import list_backups
from archive.segments import Segment
from dbrestore.handler import Context
from dbrestore.postgres import spool
from dbrestore.postgres.instance import Instance
from dbrestore.postgres.mark import read_mark
from problem import Problem
from tests.support.buckets import gcs, s3
from tests.support.servers import Postgres, folder, scratch, wait_until
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

    def inputs(
        self, archive: Path | str | None, name: str = "restored", until: Any = None, **more: Any
    ) -> Any:
        source = {"database": "postgres", "user": "postgres", "backups": self.folder / "base"}
        declared = {
            "name": name,
            "directory": self.folder / "restores" / name,
            "source": source | {"archive": archive} | more,
            "until": until or {"kind": "latest"},
            "operators": ["127.0.0.1/32"],
        }
        return Instance.inputs.model_validate(declared)

    def restore(self, archive: Path | str | None, until: Any = None, **more: Any) -> list[int]:
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


def restore_in_vain(original: Original, archive: Path | str | None, **more: Any) -> Problem:
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


_KILLED_WHILE_FETCHING = """
import json, os, signal, sys
from archive.wal import Archive
from dbrestore.handler import Context
from dbrestore.postgres.instance import Instance
fetch = Archive.fetch
def killed(self, name, *rest):
    if name == sys.argv[1]: os.kill(os.getpid(), signal.SIGKILL)
    return fetch(self, name, *rest)
Archive.fetch = killed
Instance().create(Context(sys.argv[2]), Instance.inputs.model_validate(json.loads(sys.argv[3])))
"""


@pytest.mark.parametrize("meanwhile", ["the server waits", "the server gave up"])
def test_a_plugin_killed_while_the_server_replays_is_followed_by_one_that_goes_on(
    original: Original, place: Path, meanwhile: str
) -> None:
    inputs = original.inputs(compress(original.wal, place / "wal", ".zst"))
    context = Context(URN.format("restored"))
    words = [original.segments[4], context.urn, json.dumps(inputs.wire())]
    ran = subprocess.run([sys.executable, "-c", _KILLED_WHILE_FETCHING, *words], check=False)
    assert ran.returncode == -signal.SIGKILL
    mark = read_mark(inputs.directory)
    assert mark is not None
    assert mark.phase == "recovering"
    if meanwhile == "the server gave up":
        postmaster = int((inputs.directory / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGQUIT)
        wait_until(lambda: not Path(f"/proc/{postmaster}").exists(), what="the server's end")
    identity, state = Instance().create(context, inputs)
    assert rows(inputs, state) == [1, 2, 3, 4, 5, 6]
    assert not (inputs.directory / spool.NAME).exists()
    Instance().delete(context, identity, state)
    assert not inputs.directory.exists()


@pytest.fixture
def wal_g(original: Original, place: Path) -> dict[str, Any]:
    """The original's backup and WAL as WAL-G would describe them."""
    [backup] = list_backups(original.folder / "base").usable
    name = f"base_{Segment(1, backup.start_lsn // backup.segment_size).name}"
    folder(place / "basebackups_005" / name)
    facts = {
        "LSN": backup.start_lsn,
        "FinishLSN": backup.stop_lsn,
        "PgVersion": 150000,
        "SystemIdentifier": backup.system_identifier,
        "UncompressedSize": backup.size,
    }
    (place / "basebackups_005" / f"{name}_backup_stop_sentinel.json").write_text(json.dumps(facts))
    begun = json.dumps({"start_time": backup.started_at.isoformat()})
    (place / "basebackups_005" / name / "metadata.json").write_text(begun)
    compress(original.wal, place / "wal_005", ".lz4")
    return {"wal_g": {"prefix": place}, "backups": None}


def test_wal_of_wal_g_is_read_and_its_backup_unpacked_by_wal_g_itself(
    original: Original, place: Path, wal_g: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for wal-g: it copies the base backup as ``backup-fetch FOLDER NAME`` would."""
    programs = folder(place / "programs")
    program = programs / "wal-g"
    program.write_text(f'#!/bin/sh\n[ "$1" = backup-fetch ] && cp -r {original.folder}/base/monday/. "$2"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    assert original.restore(None, **wal_g) == [1, 2, 3, 4, 5, 6]
    program.write_text("#!/bin/sh\necho 'ERROR: no such backup' >&2\nexit 1\n")
    problem = restore_in_vain(original, None, **wal_g)
    assert (problem.name, "no such backup" in problem.what) == ("wal-g-failed", True)


def test_without_wal_g_it_is_told_what_to_install(original: Original, wal_g: dict[str, Any]) -> None:
    problem = restore_in_vain(original, None, **wal_g)
    assert (problem.name, "Install it" in problem.cure) == ("backup-tool-missing", True)
