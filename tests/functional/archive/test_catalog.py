"""What ``reforge sources`` is told of a real cluster: backups, windows, gaps."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from archive.lsn import parse_lsn
from archive.targets import Target
from problem import Problem
from stacks.providers.local.catalog import Catalog, what_can_be_restored
from tests.functional.archive.conftest import World
from tests.unit.archive.made_up import signed


@dataclass(frozen=True)
class Source:
    archive: Path
    backups: Path
    data_directory: Path | None = None
    database: str = "postgres"
    storage_options: dict[str, str] = field(default_factory=dict)


def catalog(world: World, data: Path | None = None) -> Catalog:
    return what_can_be_restored(Source(world.wal, world.base, data))


def test_each_backup_is_described_with_its_window(world: World) -> None:
    found = catalog(world)
    assert [backup.name for backup in found.backups] == ["first", "second"]
    assert [backup.problems for backup in found.backups] == [(), ()]
    first, second = found.windows
    assert (first.start, first.end) == (world.rows[1].time, world.rows[7].time)
    assert (second.start, second.end) == (world.rows[5].time, world.rows[7].time)
    assert parse_lsn(first.start_lsn) < parse_lsn(second.start_lsn) < parse_lsn(second.end_lsn)
    for backup in found.backups:
        assert backup.started is not None
        assert backup.finished is not None
        assert timedelta() <= backup.finished - backup.started < timedelta(minutes=1)
        assert (backup.timeline, (backup.size or 0) > 10_000_000) == (1, True)
        assert (backup.form, backup.tablespaces, backup.builds_on) == ("plain", {}, ())


def test_both_ends_of_a_window_can_be_restored_and_nothing_beside_them(world: World) -> None:
    window, hair = catalog(world).windows[0], timedelta(microseconds=1)
    for moment in (window.start, window.end - hair):
        assert world.prove(Target("time", moment.isoformat())).target.time == moment
    assert world.prove(Target("lsn", window.end_lsn)).expected is not None
    for moment in (window.start - hair, window.end):
        with pytest.raises(Problem):
            world.prove(Target("time", moment.isoformat()))


def test_a_gap_cuts_the_window_and_is_listed_by_its_segments(broken: World) -> None:
    for step in ("after", "idle"):
        (broken.wal / broken.steps[step]).unlink()
    first, second = catalog(broken).windows
    assert first.end == broken.rows[5].time
    (gap,) = first.gaps
    assert (gap.first, gap.last, gap.count) == (broken.steps["after"], broken.steps["idle"], 2)
    assert gap.flaw == "is missing"
    assert (second.start, second.end, second.gaps) == (broken.rows[5].time, broken.rows[5].time, (gap,))


def test_missing_segments_that_the_source_still_has_are_listed(broken: World, tmp_path: Path) -> None:
    for step in ("after", "idle"):
        (broken.wal / broken.steps[step]).unlink()
    (tmp_path / "pg_wal").mkdir()
    (tmp_path / "pg_wal" / broken.steps["idle"]).touch()
    assert catalog(broken, tmp_path).still_in_source == (broken.steps["idle"],)
    assert catalog(broken).still_in_source == ()


def test_a_backup_without_its_wal_says_so_and_has_no_window(broken: World) -> None:
    first = broken.backups.usable[0]
    number = first.start_lsn // first.segment_size
    (broken.wal / f"0000000100000000{number:08X}").unlink()
    found = catalog(broken)
    assert [window.backup for window in found.windows] == ["second"]
    assert f"{number:08X} is missing" in found.backups[0].problems[0]


def test_a_folder_that_is_no_backup_is_listed_with_the_reason(broken: World) -> None:
    (broken.base / "half").mkdir()
    assert "no backup_manifest" in catalog(broken).backups[-1].problems[0]


def test_a_backup_of_a_version_that_is_not_here_does_not_hide_the_others(broken: World) -> None:
    version = broken.base / "first/PG_VERSION"
    version.unlink()
    version.write_text("9\n")
    manifest = broken.base / "first/backup_manifest"
    document = json.loads(manifest.read_bytes())
    del document["Manifest-Checksum"]
    document["Files"] = [one for one in document["Files"] if one["Path"] != "PG_VERSION"]
    document["Files"].append({"Path": "PG_VERSION", "Size": 2, "Last-Modified": "2025-12-03 14:00:00 GMT"})
    manifest.unlink()
    manifest.write_bytes(signed(document))
    found = catalog(broken)
    assert "PostgreSQL 9 was not found" in found.backups[0].problems[0]
    assert [window.backup for window in found.windows] == ["second"]


def test_the_document_is_json_with_times_in_utc(broken: World) -> None:
    (broken.wal / broken.steps["idle"]).unlink()
    document = json.loads(json.dumps(catalog(broken).document()))
    assert [backup["name"] for backup in document["backups"]] == ["first", "second"]
    assert document["backups"][0]["started"].endswith("Z")
    assert document["windows"][0]["start"] == broken.rows[1].time.isoformat().replace("+00:00", "Z")
    assert document["windows"][0]["gaps"][0]["first"] == broken.steps["idle"]
    assert document["stillInSource"] == []
