"""Whether a missing segment could still be archived."""

from __future__ import annotations

from pathlib import Path

from archive.archiver import hint, still_in_source
from archive.segments import Segment

SEGMENT = Segment(1, 3)


def test_a_segment_in_the_sources_pg_wal_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "pg_wal").mkdir()
    assert still_in_source(SEGMENT, tmp_path) is False
    assert hint(SEGMENT, tmp_path) == ""
    (tmp_path / "pg_wal" / SEGMENT.name).touch()
    assert still_in_source(SEGMENT, tmp_path) is True
    assert "000000010000000000000003 still lies in the source's pg_wal" in hint(SEGMENT, tmp_path)
    assert "pg_stat_archiver" in hint(SEGMENT, tmp_path)


def test_a_source_that_cannot_be_looked_at_is_not_judged(tmp_path: Path) -> None:
    assert still_in_source(SEGMENT, None) is None
    assert still_in_source(SEGMENT, tmp_path / "nowhere") is None
    assert hint(SEGMENT, None) == ""
