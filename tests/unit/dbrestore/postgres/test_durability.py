"""A recovery in a hurry: what it takes of the machine, and how a boot is told from another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dbrestore.postgres import durability


@pytest.mark.parametrize(
    ("available", "allowed", "buffers"),
    [(1600, 64000, "400MB"), (16000, 1600, "400MB"), (100, 64000, "128MB"), (400000, 400000, "4096MB")],
)
def test_memory_for_pages_is_a_quarter_of_what_there_is(
    monkeypatch: pytest.MonkeyPatch, available: int, allowed: int, buffers: str
) -> None:
    monkeypatch.setattr(durability, "_available", lambda: available)
    monkeypatch.setattr(durability, "_allowed", lambda: allowed)
    assert durability.hurried(1 << 40, 1 << 40, 16)["shared_buffers"] == buffers


@pytest.mark.parametrize(("wal", "buffers"), [(16, "1024MB"), (4000, "2000MB"), (80000, "4096MB")])
def test_more_than_usual_only_for_much_wal(monkeypatch: pytest.MonkeyPatch, wal: int, buffers: str) -> None:
    """``wal`` in MiB: the first change of a page is a whole page of WAL."""
    monkeypatch.setattr(durability, "_available", lambda: 64000)
    monkeypatch.setattr(durability, "_allowed", lambda: 64000)
    assert durability.hurried(1 << 40, wal << 20, 16)["shared_buffers"] == buffers


@pytest.mark.parametrize(("size", "major", "asked"), [(3999, 15, False), (4000, 15, True), (3999, 14, True)])
def test_pages_that_memory_still_holds_are_not_asked_for_ahead(
    monkeypatch: pytest.MonkeyPatch, size: int, major: int, asked: bool
) -> None:
    """``size`` in MiB, of 8000 that there are; versions before 15 know no such setting."""
    monkeypatch.setattr(durability, "_available", lambda: 8000)
    monkeypatch.setattr(durability, "_allowed", lambda: 64000)
    assert ("recovery_prefetch" not in durability.hurried(size << 20, 0, major)) is asked


def test_no_more_than_usual_where_memory_may_be_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durability, "_available", lambda: 64000)
    monkeypatch.setattr(durability, "_allowed", lambda: None)
    assert durability.hurried(1 << 40, 1 << 40, 16)["shared_buffers"] == "1024MB"


def test_what_the_machine_has_is_read_from_it() -> None:
    assert durability._available() > 0


def test_the_least_limit_of_our_control_groups_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine = tmp_path / "groups/system.slice/job"
    mine.mkdir(parents=True)
    monkeypatch.setattr(durability, "_GROUP", tmp_path / "mine")
    monkeypatch.setattr(durability, "_GROUPS", tmp_path / "groups")
    assert durability._allowed() is None
    (tmp_path / "mine").write_text("0::/system.slice/job\n")
    assert durability._allowed() is None, "version 1"
    (tmp_path / "groups/cgroup.controllers").touch()
    assert durability._allowed() == sys.maxsize
    (mine / "memory.max").write_text("max\n")
    (mine.parent / "memory.max").write_text(f"{3 << 30}\n")
    assert durability._allowed() == 3072


def test_a_boot_has_one_name_for_as_long_as_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert durability.this_boot() == durability.this_boot()
    monkeypatch.setattr(durability, "_BOOT_ID", Path("/nowhere"))
    assert durability.this_boot() == ""


def test_each_file_system_is_synced_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    assert [words[:2] for words in durability._commands([tmp_path, tmp_path / "one"])] == [["sync", "-f"]]
    durability.sync([tmp_path])
    durability.begin_sync([tmp_path]).result()


def test_what_a_sync_beside_other_work_could_not_write_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(durability, "_commands", lambda _folders: [["false"]])
    with pytest.raises(subprocess.CalledProcessError):
        durability.begin_sync([tmp_path]).result()
