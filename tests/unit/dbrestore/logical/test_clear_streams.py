"""A compressed plain dump read in clear: whole, cut short, damaged."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest
import zstandard

from dbrestore.logical.reading import clear_stream
from problem import Problem

TEXT = b"".join(b"INSERT INTO t VALUES (%d, %d);\n" % (n, n * n * 7919) for n in range(20_000))
PACKED = {
    "gz": gzip.compress,
    "lz4": lz4.frame.compress,
    "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}
kinds = pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED.keys())


def read(path: Path) -> bytes:
    with clear_stream(path) as (stream, _position):
        return stream.read()


@kinds
def test_a_whole_stream_is_read_in_clear(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / "dump").write_bytes(pack(TEXT))
    assert read(tmp_path / "dump") == TEXT


@kinds
def test_a_stream_that_is_cut_short_is_never_taken_as_whole(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(TEXT)
    (tmp_path / "dump").write_bytes(packed[: len(packed) * 2 // 3])
    with pytest.raises(Problem) as caught:
        read(tmp_path / "dump")
    assert caught.value.name == "dump-truncated"


def test_a_damaged_stream_is_named(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(TEXT))
    packed[len(packed) // 2] ^= 0xFF
    (tmp_path / "dump").write_bytes(packed)
    with pytest.raises(Problem) as caught:
        read(tmp_path / "dump")
    assert caught.value.name == "dump-damaged"
