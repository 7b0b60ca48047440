"""Streams as backup tools compress them, told apart by their first bytes: a name may say nothing or lie."""

from __future__ import annotations

import bz2
import io
import lzma
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Protocol, cast

import lz4.frame
import zstandard
from isal import isal_zlib

DeflateError = cast(type[Exception], isal_zlib.error)
"""Of gzip streams; the library's stubs take it for an instance."""
SUFFIXES = (".gz", ".lz4", ".zst", ".bz2", ".xz")
"""What the name of a compressed file ends with; WAL-G's ``.br`` and ``.lzma`` are not among them."""
_LONGEST_MAGIC = 6
_PIECE = 128 * 1024
_ZSTD_PIECE = 4 * 1024
"""Zeros shrink to a 32,000th, and what a piece unpacks to is in memory at once."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class _Unpacked(io.RawIOBase):
    """Reads in big pieces: the library's own readers take 8 KiB, and change threads at each."""

    def __init__(self, stream: BinaryIO, fresh: Callable[[], _Decompressor], piece: int = _PIECE) -> None:
        self._stream, self._fresh, self._inner, self._piece = stream, fresh, fresh(), piece
        self._ready, self._rest = memoryview(b""), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            piece = self._rest or self._stream.read(self._piece)
            if self._inner.eof:  # another member, or zeros up to the end of a block
                piece = piece.lstrip(b"\0")
                self._inner = self._fresh() if piece else self._inner
            if not piece:
                if not self._inner.eof:
                    raise EOFError("ended before the end-of-stream marker")
                return 0
            self._ready = memoryview(self._inner.decompress(piece))
            self._rest = self._inner.unused_data if self._inner.eof else b""
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count


def _gzip(stream: BinaryIO) -> BinaryIO:
    inner = _Unpacked(stream, lambda: isal_zlib.decompressobj(wbits=31))
    return cast(BinaryIO, io.BufferedReader(inner, _PIECE))


def _lz4(stream: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Unpacked(stream, lz4.frame.LZ4FrameDecompressor), _PIECE))


def _zstd(stream: BinaryIO) -> BinaryIO:
    # The library's own reader takes the end of a stream that is cut short for its end.
    inner = _Unpacked(stream, lambda: zstandard.ZstdDecompressor().decompressobj(), _ZSTD_PIECE)
    return cast(BinaryIO, io.BufferedReader(inner, _PIECE))


_KINDS: dict[bytes, Callable[[BinaryIO], BinaryIO]] = {
    b"\x1f\x8b": _gzip,
    b"\x04\x22\x4d\x18": _lz4,
    b"\x28\xb5\x2f\xfd": _zstd,
    b"BZh": lambda stream: cast(BinaryIO, bz2.BZ2File(stream)),
    b"\xfd7zXZ\x00": lambda stream: cast(BinaryIO, lzma.LZMAFile(stream)),
}

MAGICS = tuple(_KINDS)
"""The first bytes of every kind of compressed stream."""


class Garbled(ValueError):
    """A compressed stream that cannot be read to its end, in words that follow its name."""


def decompressed(stream: BinaryIO) -> BinaryIO:
    """The plain bytes of a stream; one that is not compressed is given back as it is.

    The stream must be able to seek or to peek. Reading belongs inside ``reading``.
    """
    head = _first_bytes(stream)
    for magic, opened in _KINDS.items():
        if head.startswith(magic):
            return opened(stream)
    return stream


def is_compressed(stream: BinaryIO) -> bool:
    """Whether a stream begins as a compressed one does; it is left where it was."""
    return _first_bytes(stream).startswith(MAGICS)


def _first_bytes(stream: BinaryIO) -> bytes:
    if isinstance(stream, io.BufferedReader):
        return stream.peek(_LONGEST_MAGIC)[:_LONGEST_MAGIC]
    head = stream.read(_LONGEST_MAGIC)
    stream.seek(0)
    return head


@contextmanager
def reading() -> Iterator[None]:
    """Maps what the libraries raise at damaged and cut-off streams to ``Garbled``."""
    try:
        yield
    except EOFError as error:
        raise Garbled("is cut short: its compressed data ends early") from error
    except (DeflateError, lzma.LZMAError, zstandard.ZstdError) as error:
        raise Garbled(f"is damaged: it cannot be decompressed ({error})") from error
    except (RuntimeError, OSError) as error:  # what lz4 and bz2 raise
        if not str(error).startswith(("LZ4F", "Invalid data stream")):
            raise
        raise Garbled(f"is damaged: it cannot be decompressed ({error})") from error
