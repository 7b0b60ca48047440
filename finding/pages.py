"""Rows of a system catalog read from its file's pages, without a server (manual, "Database Page Layout").

Good for looking names up in a base backup before anything is copied: a backup's files may be of a moment
between its start and its end, so rows are taken in every version that was not rolled back.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_PAGE_HEADER = 24
_TUPLE_HEADER = 23
_NORMAL = 1
_XMIN_COMMITTED, _XMIN_INVALID = 0x0100, 0x0200
_MAP_MAGIC = 0x592717
"""First word of pg_filenode.map (src/backend/utils/cache/relmapper.c), the same in 9.0 to 18."""


def rows(file: bytes) -> Iterator[bytes]:
    """The data of each row in a heap file, old versions included; damaged pages are passed over."""
    size = _page_size(file)
    for begin in range(0, len(file) - size + 1, size) if size else ():
        yield from _tuples(file[begin : begin + size])


def _page_size(file: bytes) -> int:
    """By the first page that is not empty; 0 where there is none. The low byte is the layout's version."""
    for begin in range(0, len(file) - _PAGE_HEADER, 1024):
        lower, upper, special, mixed = struct.unpack_from("<4H", file, begin + 12)
        if _PAGE_HEADER <= lower <= upper <= special == mixed & 0xFF00:
            return int(mixed & 0xFF00)
    return 0


def _tuples(page: bytes) -> Iterator[bytes]:
    (lower,) = struct.unpack_from("<H", page, 12)
    for place in range(_PAGE_HEADER, min(lower, len(page)), 4):
        (pointer,) = struct.unpack_from("<I", page, place)
        offset, flags, length = pointer & 0x7FFF, pointer >> 15 & 3, pointer >> 17
        if flags != _NORMAL or length < _TUPLE_HEADER or offset + length > len(page):
            continue
        infomask, skipped = struct.unpack_from("<HB", page, offset + 20)
        if infomask & (_XMIN_COMMITTED | _XMIN_INVALID) != _XMIN_INVALID:
            yield page[offset + skipped : offset + length]


def mapped(file: bytes) -> dict[int, int]:
    """pg_filenode.map: the file numbers of those catalogs that pg_class cannot tell of, by OID."""
    magic, count = struct.unpack_from("<2i", file)
    if magic != _MAP_MAGIC:
        return {}
    return {oid: number for oid, number in struct.iter_unpack("<2I", file[8 : 8 + 8 * count])}
