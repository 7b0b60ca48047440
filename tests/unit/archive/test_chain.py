"""The chain of segments: where it ends, why, and what lies beyond."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.backups import BaseBackup, list_backups
from archive.chain import Chain, chain_from, gaps, run_up
from archive.segments import Segment
from archive.wal import Archive
from problem import Problem
from tests.unit.archive.made_up import SIZE, archive_of, base_backup, put


@pytest.fixture
def wal(tmp_path: Path) -> Path:
    return archive_of(tmp_path / "wal")


@pytest.fixture
def backup(tmp_path: Path) -> BaseBackup:
    """Begins and ends in segment 2."""
    base_backup(tmp_path / "base" / "b1")
    return list_backups(tmp_path / "base").usable[0]


def own(backup: BaseBackup) -> Path:
    """The backup's own pg_wal."""
    assert backup.folder
    return backup.folder / "pg_wal"


def chain(backup: BaseBackup, wal: Path) -> Chain:
    return chain_from(backup, Archive.scan(wal))


def numbers(chain: Chain) -> list[int]:
    return [segment.number for segment in chain.segments]


def test_a_whole_archive_has_no_gap_and_names_the_segment_to_come(backup: BaseBackup, wal: Path) -> None:
    archive_of(wal, 1, 2, 3, 4)
    found = chain(backup, wal)
    assert numbers(found) == [2, 3, 4]
    assert (found.gap, found.following.number, found.end_lsn, found.timeline) == (None, 5, 5 * SIZE, 1)
    assert [found.file(index) for index in range(3)] == [wal / one.name for one in found.segments]


def test_a_missing_segment_is_the_gap_and_later_ones_are_counted(backup: BaseBackup, wal: Path) -> None:
    archive_of(wal, 2, 3, 5, 6)
    found = chain(backup, wal)
    assert numbers(found) == [2, 3]
    assert found.gap == found.following == Segment(1, 4, SIZE)
    assert found.flaw == "is missing"
    assert [segment.number for segment in found.beyond_gap] == [5, 6]


def test_a_truncated_segment_is_a_gap_in_its_own_words(backup: BaseBackup, wal: Path) -> None:
    archive_of(wal, 2, 3, 4)
    (wal / Segment(1, 3, SIZE).name).write_bytes(b"short")
    found = chain(backup, wal)
    assert (numbers(found), found.gap) == ([2], Segment(1, 3, SIZE))
    assert "5 bytes instead of 1,048,576" in found.flaw


def test_a_segment_of_another_cluster_is_not_taken(backup: BaseBackup, wal: Path) -> None:
    archive_of(wal, 2)
    put(wal, Segment(1, 3, SIZE), system=42)
    assert "another cluster (system identifier 42" in chain(backup, wal).flaw


@pytest.mark.parametrize("stranger", [Segment(1, 9, SIZE), Segment(2, 3, SIZE), Segment(1, 3, 2 * SIZE)])
def test_a_segment_under_a_wrong_name_is_not_taken(backup: BaseBackup, wal: Path, stranger: Segment) -> None:
    archive_of(wal, 2)
    put(wal, stranger).rename(wal / Segment(1, 3, SIZE).name)
    with (wal / Segment(1, 3, SIZE).name).open("r+b") as file:
        file.truncate(SIZE)
    assert "does not hold the WAL that its name says" in chain(backup, wal).flaw


def test_a_segment_of_zeros_is_not_taken(backup: BaseBackup, wal: Path) -> None:
    archive_of(wal, 2)
    (wal / Segment(1, 3, SIZE).name).write_bytes(bytes(SIZE))
    assert chain(backup, wal).gap == Segment(1, 3, SIZE)


def test_wal_inside_the_backup_counts_where_the_archive_lacks_it(backup: BaseBackup, wal: Path) -> None:
    inside = put(own(backup), Segment(1, 2, SIZE))
    archive_of(wal, 3)
    found = chain(backup, wal)
    assert numbers(found) == [2, 3]
    assert found.file(0) == inside


def test_wal_inside_the_backup_alone_makes_a_chain(backup: BaseBackup, wal: Path) -> None:
    put(own(backup), Segment(1, 2, SIZE))
    assert numbers(chain(backup, wal)) == [2]


def test_a_truncated_file_in_the_archive_hides_the_whole_one_in_the_backup(
    backup: BaseBackup, wal: Path
) -> None:
    put(own(backup), Segment(1, 2, SIZE))
    (wal / Segment(1, 2, SIZE).name).write_bytes(b"")
    assert "0 bytes" in chain(backup, wal).flaw


def test_an_empty_archive_gives_an_empty_chain(backup: BaseBackup, wal: Path) -> None:
    found = chain(backup, wal)
    assert (found.segments, found.gap, found.end_lsn) == ((), None, 2 * SIZE)


def test_the_chain_follows_a_promotion_and_ignores_the_parents_later_wal(
    backup: BaseBackup, wal: Path
) -> None:
    archive_of(wal, 2, 3, 4, 5)
    archive_of(wal, 4, 5, 6, timeline=2)
    (wal / "00000002.history").write_text("1\t0/400100\tno recovery target specified\n")
    found = chain(backup, wal)
    assert found.timeline == 2
    assert [(segment.timeline, segment.number) for segment in found.segments] == [
        (1, 2), (1, 3), (2, 4), (2, 5), (2, 6)
    ]  # fmt: skip


def test_other_files_in_an_archive_do_not_disturb(backup: BaseBackup, wal: Path) -> None:
    archive_of(wal, 2)
    for name in ("000000010000000000000003.partial", "0000000100000000000FFFFF", "lost+found", "x.part"):
        (wal / name).touch()
    assert numbers(chain(backup, wal)) == [2]


def test_an_archive_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="wal-nowhere cannot be read") as caught:
        Archive.scan(tmp_path / "wal-nowhere")
    assert caught.value.name == "archive-unreadable"


def test_positions_find_their_segment(backup: BaseBackup, wal: Path) -> None:
    found = chain(backup, archive_of(wal, 2, 3, 4))
    assert [found.index(lsn) for lsn in (0, 2 * SIZE, 3 * SIZE - 1, 3 * SIZE, 99 * SIZE)] == [0, 0, 0, 1, 2]
    assert found.up_to(3 * SIZE + 5) == found.segments[:2]


def test_the_run_up_ends_with_the_backup_and_begins_as_early_as_it_may(backup: BaseBackup, wal: Path) -> None:
    archive_of(wal, 0, 1, 2, 3)
    assert numbers(run_up(backup, Archive.scan(wal))) == [0, 1, 2]
    assert numbers(run_up(backup, Archive.scan(wal), limit=1)) == [1, 2]


def test_every_gap_is_listed_with_its_length_and_flaw(backup: BaseBackup, wal: Path) -> None:
    archive_of(wal, 2, 5, 6, 8)
    (wal / Segment(1, 6, SIZE).name).write_bytes(b"cut")
    found = gaps(chain(backup, wal), backup, Archive.scan(wal))
    assert [(first.number, last.number) for first, last, _ in found] == [(3, 4), (6, 6), (7, 7)]
    assert [flaw.split()[1] for _, _, flaw in found] == ["missing", "cut", "missing"]
    archive_of(wal, 3, 4, 6, 7)
    assert gaps(chain(backup, wal), backup, Archive.scan(wal)) == ()
