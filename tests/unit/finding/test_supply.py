"""WAL is laid into a standby's pg_wal up to a position and not a byte further."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archive.segments import Segment
from finding.supply import Supply

SIZE = 1024 * 1024
SEGMENTS = [Segment(1, number, SIZE) for number in range(2, 7)]


@pytest.fixture
def archived(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    for segment in SEGMENTS:
        (folder / segment.name).write_bytes(bytes([segment.number]) * SIZE)
    return folder


@pytest.fixture
def wal(tmp_path: Path) -> Path:
    folder = tmp_path / "pg_wal"
    folder.mkdir()
    return folder


def supply(archived: Path, wal: Path, direct: bool = True) -> Supply:
    archive = SimpleNamespace(direct=direct, text={"00000001.history": None}.get)
    chain: Any = SimpleNamespace(
        archive=archive,
        segments=SEGMENTS,
        timeline=1,
        file=lambda index: archived / SEGMENTS[index].name,
        index=lambda lsn: lsn // SIZE - SEGMENTS[0].number,
    )
    return Supply(chain, wal, None)


def there(wal: Path, number: int) -> tuple[int, int]:
    """How many bytes of a segment are there, and how many zeros follow."""
    content = (wal / Segment(1, number, SIZE).name).read_bytes()
    return content.count(bytes([number])), content.count(b"\0")


def test_it_goes_on_within_a_segment_and_over_to_the_next(archived: Path, wal: Path) -> None:
    supplied = supply(archived, wal)
    supplied.up_to(2 * SIZE + 100)
    assert there(wal, 2) == (100, SIZE - 100)
    supplied.up_to(2 * SIZE + 100)
    supplied.up_to(2 * SIZE + 250)
    assert there(wal, 2) == (250, SIZE - 250)
    supplied.up_to(5 * SIZE + 8)
    assert there(wal, 2) == (SIZE, 0)
    assert [(wal / Segment(1, number, SIZE).name).is_symlink() for number in (2, 3, 4, 5)] == [
        *(False, True, True),
        False,
    ]
    assert there(wal, 5) == (8, SIZE - 8)
    assert supplied.copied == SIZE + 8


def test_the_end_of_a_segment_is_all_of_it_and_nothing_of_the_next(archived: Path, wal: Path) -> None:
    supply(archived, wal).up_to(3 * SIZE)
    assert there(wal, 2) == (SIZE, 0)
    assert len(list(wal.iterdir())) == 1


def test_what_is_no_file_of_the_archive_is_copied_and_forgotten_behind(archived: Path, wal: Path) -> None:
    supplied = supply(archived, wal, direct=False)
    supplied.up_to(6 * SIZE + 8)
    assert sorted(path.name for path in wal.iterdir()) == [one.name for one in SEGMENTS[2:]]
    assert there(wal, 5) == (SIZE, 0)


def test_wal_that_a_backup_brought_is_not_run_into(archived: Path, wal: Path) -> None:
    (wal / SEGMENTS[1].name).write_bytes(b"stale")
    (wal / "archive_status").mkdir()
    supplied = supply(archived, wal)
    supplied.begin()
    assert [path.name for path in wal.iterdir()] == ["archive_status"]
    supplied.up_to(2 * SIZE + 8)
    assert not (wal / SEGMENTS[1].name).exists()
