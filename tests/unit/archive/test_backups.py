"""Base backups are described from their manifest and label; what is none is reported, not hidden."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archive.backups import BaseBackup, list_backups
from archive.formats.plain import Plain
from archive.formats.tree import Tree
from archive.segments import DEFAULT_SIZE, Segment
from archive.stores.folder import FolderStore
from archive.verification import check_files, damaged
from archive.wal import Archive
from problem import Problem
from tests.unit.archive.made_up import SIZE, SYSTEM, base_backup, put, signed


def only(folder: Path) -> BaseBackup:
    (backup,) = list_backups(folder)
    return backup


def test_a_backup_is_what_its_manifest_and_label_say(tmp_path: Path) -> None:
    path = base_backup(tmp_path / "b1", number=5, timeline=3)
    backup = only(tmp_path)
    assert (backup.name, backup.folder, backup.label, backup.timeline) == ("b1", path, "nightly", 3)
    assert (backup.start_lsn, backup.stop_lsn) == (5 * SIZE + 0x28, 5 * SIZE + 0x128)
    assert (backup.version_major, backup.segment_size, backup.system_identifier) == (15, SIZE, SYSTEM)
    assert backup.started_at == datetime(2025, 12, 3, 14, 0, tzinfo=UTC)
    assert backup.size == sum(
        file.stat().st_size for file in path.rglob("*") if file.name != "backup_manifest" and file.is_file()
    )


def test_backups_come_oldest_first_whatever_their_names(tmp_path: Path) -> None:
    base_backup(tmp_path / "a", number=9)
    base_backup(tmp_path / "z", number=3)
    assert [backup.name for backup in list_backups(tmp_path)] == ["z", "a"]
    assert len(list_backups(tmp_path)) == 2


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("backup_manifest", None, "no backup_manifest: still being written"),
        ("backup_manifest", "{", "cut short"),
        ("backup_manifest", "{}", "cut short"),
        ("PG_VERSION", None, "in no form of pg_basebackup"),
        ("backup_label", "LABEL: x", "names no START WAL LOCATION"),
        ("backup_label", None, "backup_label cannot be read"),
        ("global/pg_control", None, "pg_control cannot be read"),
    ],
)
def test_a_broken_folder_is_reported_with_the_reason(
    tmp_path: Path, file: str, content: str | None, why: str
) -> None:
    path = base_backup(tmp_path / "b1")
    (path / file).unlink()
    if content is not None:
        (path / file).write_text(content)
    found = list_backups(tmp_path)
    assert len(found) == 0
    assert [one.name for one in found.broken] == ["b1"]
    assert why in found.broken[0].why


def test_files_and_hidden_folders_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    (tmp_path / ".tmp").mkdir()
    found = list_backups(tmp_path)
    assert (found.usable, found.broken) == ((), ())


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="backups-nowhere cannot be read"):
        list_backups(tmp_path / "backups-nowhere")


def test_where_the_lsn_fits_every_size_the_backups_own_wal_decides(tmp_path: Path) -> None:
    path = base_backup(tmp_path / "b1", number=0)
    assert only(tmp_path).segment_size == DEFAULT_SIZE
    put(path / "pg_wal", Segment(1, 0, SIZE))
    assert only(tmp_path).segment_size == SIZE


def test_the_end_of_a_backup_comes_from_its_history_file_in_any_zone(tmp_path: Path) -> None:
    base_backup(tmp_path / "b1", number=2)
    backup = only(tmp_path)
    assert backup.finished_at(Archive.scan(tmp_path)) is None
    history = tmp_path / f"{Segment(1, 2, SIZE).name}.00000028.backup"
    history.write_text("START TIME: 2025-12-03 15:00:00 CET\nSTOP TIME: 2025-12-03 15:12:30 CET\n")
    assert backup.finished_at(Archive.scan(tmp_path)) == backup.started_at + timedelta(minutes=12, seconds=30)


def test_a_missing_and_a_shortened_file_are_both_named(tmp_path: Path) -> None:
    path = base_backup(tmp_path / "b1")
    backup = only(tmp_path)
    check_files(backup)
    (path / "PG_VERSION").write_text("")
    (path / "global/pg_control").unlink()
    (path / "pg_stat").mkdir()
    (path / "pg_stat/more").touch()
    with pytest.raises(Problem) as caught:
        check_files(replace(backup, contents=Plain(Tree(FolderStore(tmp_path), "b1"))))
    assert caught.value.name == "backup-damaged"
    assert "pg_stat/more is not in its manifest" in caught.value.what
    assert "PG_VERSION has 0 bytes instead of 3; global/pg_control is missing" in caught.value.what


def test_names_that_are_not_utf8_are_found_by_their_bytes(tmp_path: Path) -> None:
    path = base_backup(tmp_path / "b1")
    manifest = json.loads((path / "backup_manifest").read_text())
    manifest["Files"].append({"Encoded-Path": b"caf\xe9".hex(), "Size": 1})
    manifest.pop("Manifest-Checksum")
    (path / "backup_manifest").write_bytes(signed(manifest))
    with pytest.raises(Problem, match="is missing"):
        check_files(only(tmp_path))
    Path(str(path) + "/caf\udce9").write_text("x")
    check_files(only(tmp_path))


def test_many_complaints_are_counted_not_listed(tmp_path: Path) -> None:
    base_backup(tmp_path / "b1")
    words = damaged(only(tmp_path), [f"file {number}" for number in range(9)]).what
    assert "file 4; and 4 more" in words
    assert "file 5" not in words
