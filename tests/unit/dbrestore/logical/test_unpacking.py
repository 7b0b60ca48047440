"""What a compressed stream gives is had in pieces, however much a block of it holds."""

from __future__ import annotations

import gzip
import os

import lz4.frame
import pytest
import zstandard

from dbrestore.logical.reading import BLOCK, Unpacker

ROWS = b"".join(b"%d\t%s\n" % (number, b" " * 84) for number in range(200_000))
PACK = {"gzip": gzip.compress, "lz4": lz4.frame.compress, "zstd": zstandard.compress, "none": bytes}


def pieces(compression: str, packed: bytes) -> list[bytes]:
    unpacker = Unpacker(compression)
    blocks = [packed[begin : begin + BLOCK] for begin in range(0, len(packed), BLOCK)]
    found = [piece for block in blocks for piece in unpacker.pieces(block)]
    assert unpacker.finished
    return found


@pytest.mark.parametrize("compression", PACK)
@pytest.mark.parametrize("clear", [ROWS, os.urandom(3 * BLOCK + 7), b""], ids=["rows", "noise", "nothing"])
def test_every_byte_comes_in_its_order(compression: str, clear: bytes) -> None:
    assert b"".join(pieces(compression, PACK[compression](clear))) == clear


def test_what_shrank_to_a_thirtieth_is_not_in_memory_at_once() -> None:
    packed = gzip.compress(ROWS)
    assert len(packed) < len(ROWS) / 20
    assert max(map(len, pieces("gzip", packed))) < 1 << 18


def test_a_damaged_stream_is_told() -> None:
    packed = bytearray(gzip.compress(ROWS))
    packed[len(packed) // 2] ^= 0xFF
    with pytest.raises(ValueError, match="Incorrect checksum"):
        pieces("gzip", bytes(packed))
