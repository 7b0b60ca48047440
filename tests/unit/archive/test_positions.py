"""LSNs and segment names: arithmetic that holds for every value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.lsn import format_lsn, parse_lsn
from archive.segments import Segment
from problem import Misuse

lsns = st.integers(0, 2**64 - 1)
sizes = st.sampled_from([1 << power for power in range(20, 31)])


@given(lsns)
def test_an_lsn_survives_being_written_and_read(lsn: int) -> None:
    assert parse_lsn(format_lsn(lsn)) == lsn


def test_an_lsn_is_written_as_postgresql_does() -> None:
    assert format_lsn(0x1_0150_0028) == "1/1500028"


@pytest.mark.parametrize("text", ["", "0", "0/", "/1", "0/G", "0/123456789", "1500028", "0/1 2"])
def test_anything_else_is_no_lsn_and_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(Misuse, match="0/1500028") as caught:
        parse_lsn(text)
    assert caught.value.name == "lsn-invalid"


@given(st.integers(1, 2**32 - 1), lsns, sizes)
def test_a_segment_survives_its_name_and_holds_its_positions(timeline: int, lsn: int, size: int) -> None:
    segment = Segment(timeline, lsn // size, size)
    assert Segment.parse(segment.name, size) == segment
    assert segment.start_lsn <= lsn < segment.end_lsn


def test_a_segment_is_named_as_postgresql_does() -> None:
    assert Segment(1, 0x1FF, 16 * 1024 * 1024).name == "0000000100000001000000FF"
    assert Segment(2, 0x1FF, 1024 * 1024).name == "0000000200000000000001FF"


@pytest.mark.parametrize(
    "name", ["00000001", "00000001.history", "000000010000000000000003.partial", "g" * 24]
)
def test_other_files_are_no_segments(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a WAL segment"):
        Segment.parse(name)


def test_a_name_that_no_segment_of_this_size_can_have_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be a WAL segment of 16777216 bytes"):
        Segment.parse("000000010000000000000100")
