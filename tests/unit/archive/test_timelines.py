"""Lineages from history files: which timeline is followed, and which file holds which stretch."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.segments import Segment
from archive.timelines import Span, latest_lineage, lineage, segment_at
from archive.wal import Archive
from problem import Problem
from tests.unit.archive.made_up import SIZE


def history(folder: Path, timeline: int, *lines: str) -> None:
    (folder / f"{timeline:08X}.history").write_text("".join(f"{line}\n" for line in lines))


def latest(folder: Path, timeline: int, lsn: int) -> int:
    return latest_lineage(Archive.scan(folder), timeline, lsn)[-1].timeline


def test_the_first_timeline_has_no_history(tmp_path: Path) -> None:
    assert lineage(Archive.scan(tmp_path), 1) == (Span(1, 0),)


def test_a_history_gives_the_stretch_of_each_ancestor(tmp_path: Path) -> None:
    history(
        tmp_path, 3, "# a remark", "1\t0/300000\tno recovery target specified", "", "2\t0/500000\tbefore 2025"
    )
    assert lineage(Archive.scan(tmp_path), 3) == (
        Span(1, 0, 0x300000),
        Span(2, 0x300000, 0x500000),
        Span(3, 0x500000),
    )


def test_a_timeline_without_its_history_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"00000002\.history cannot be read") as caught:
        lineage(Archive.scan(tmp_path), 2)
    assert caught.value.name == "timeline-history-unreadable"


def test_a_garbled_history_is_not_guessed_at(tmp_path: Path) -> None:
    history(tmp_path, 2, "1 somewhere")
    with pytest.raises(Problem, match="has a line that is none: '1 somewhere'"):
        lineage(Archive.scan(tmp_path), 2)


def test_the_newest_descendant_is_followed(tmp_path: Path) -> None:
    history(tmp_path, 2, "1\t0/300000\t")
    history(tmp_path, 3, "1\t0/300000\t", "2\t0/500000\t")
    assert latest(tmp_path, 1, 0x200000) == 3


def test_a_timeline_that_branched_off_before_the_backup_is_passed_over(tmp_path: Path) -> None:
    history(tmp_path, 2, "1\t0/300000\t")
    assert latest(tmp_path, 1, 0x300000) == 1
    assert latest(tmp_path, 1, 0x2FFFFF) == 2


def test_a_sibling_is_no_descendant(tmp_path: Path) -> None:
    history(tmp_path, 2, "1\t0/300000\t")
    history(tmp_path, 3, "1\t0/400000\t")
    assert latest(tmp_path, 2, 0x350000) == 2


def test_a_backup_of_a_timeline_whose_history_is_lost_still_has_its_own(tmp_path: Path) -> None:
    assert latest_lineage(Archive.scan(tmp_path), 4, 0x350000) == (Span(4, 0),)


def test_in_the_segment_of_the_switch_the_childs_file_counts() -> None:
    spans = (Span(1, 0, 3 * SIZE + 500), Span(2, 3 * SIZE + 500))
    found = [segment_at(spans, number, SIZE) for number in (2, 3, 4)]
    assert found == [Segment(1, 2, SIZE), Segment(2, 3, SIZE), Segment(2, 4, SIZE)]
