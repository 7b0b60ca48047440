"""A dump on this machine, opened by what its first bytes say: its kind, its contents, its data."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import lz4.frame
import zstandard
from isal import isal_zlib

from archive.compression import MAGICS, DeflateError, Garbled, decompressed, reading
from dbrestore.logical.entries import Entry, Header
from dbrestore.logical.toc import MAGIC, read_toc
from problem import Problem

_TAR_MAGIC = 257
"""Where a tar archive says "ustar" (tar(5))."""
BLOCK = 1 << 16
_LEAST = 1 << 10
"""Bytes that are unpacked at once, at least."""
_PIECE = 1 << 16
"""What they give in clear, about: more would be memory that is touched for the first time, each time anew."""
_UNPACKED = 4
"""How much larger than a compressed dump its database may become."""


@dataclass(frozen=True)
class Dump:
    """What lies there. ``entries`` are in the order of the dump."""

    path: Path
    format: str
    """plain, custom, directory or tar."""
    header: Header
    entries: tuple[Entry, ...]
    begin: int = 0
    """Where data begins in a custom archive."""
    rows: Mapping[str, int] = field(default_factory=dict)
    """Rows of each table of a plain dump, by the label of its data, in the dump's order."""
    clear: int = 0
    """Bytes of a plain dump in clear."""
    url: str = ""
    """Where it lies, while it is only looked at in an object store."""
    stored: int = 0

    @property
    def place(self) -> str:
        """Where it lies, for people."""
        return self.url or str(self.path)

    @property
    def size(self) -> int:
        """Bytes that it takes, compressed as it is."""
        if self.stored:
            return self.stored
        files = self.path.iterdir() if self.path.is_dir() else (self.path,)
        return sum(file.stat().st_size for file in files)

    @property
    def unpacked(self) -> int:
        """Bytes that its database may take, about: rows as much as their text, indexes besides."""
        return self.size * _UNPACKED


def recognise(path: Path) -> str:
    """The format by the first bytes. Problem ``dump-missing``, ``dump-unreadable`` or ``dump-unknown``."""
    with readable(path):
        if path.is_dir():
            if not (path / "toc.dat").exists():
                raise Problem("dump-unknown", f"{path} is a folder without toc.dat, so no dump.", _TAKE)
            return "directory"
        with path.open("rb") as file:
            head = file.read(512)
    return kind_of(head, str(path))


def kind_of(head: bytes, name: str) -> str:
    """The format of a file by its first 512 bytes."""
    if not head:
        raise Problem("dump-truncated", f"{name} is empty.", "Fetch it again, or take another dump.")
    if head.startswith(MAGIC):
        return "custom"
    if head[_TAR_MAGIC : _TAR_MAGIC + 5] == b"ustar" and head.startswith(b"toc.dat\0"):
        return "tar"
    if head.startswith(MAGICS) or b"\0" not in head:
        return "plain"
    raise Problem("dump-unknown", f"{name} is no dump of pg_dump: its first bytes are {head[:8]!r}.", _TAKE)


def archive_of(path: Path, kind: str) -> Dump:
    """A custom, directory or tar archive with its table of contents."""
    with _toc(path, kind) as file:
        _kind, header, entries = read_toc(file, str(path))
        return Dump(path, kind, header, entries, file.tell())


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Errors of the file system in words."""
    try:
        yield
    except FileNotFoundError:
        raise Problem("dump-missing", f"There is no dump at {path}.", f"Type: ls -l {path.parent}") from None
    except (OSError, EOFError, tarfile.TarError) as error:
        what = f"The dump {path} cannot be read: {error}."
        raise Problem("dump-unreadable", what, f"Type: ls -l {path}") from error


@contextmanager
def _toc(path: Path, kind: str) -> Iterator[BinaryIO]:
    with readable(path):
        if kind == "tar":
            with tarfile.open(path) as tar, member(tar, "toc.dat", path) as file:
                yield file
        else:
            with (path / "toc.dat" if kind == "directory" else path).open("rb") as file:
                yield file


@contextmanager
def member(tar: tarfile.TarFile, name: str, path: Path) -> Iterator[BinaryIO]:
    """One file of a tar archive."""
    try:
        file = tar.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise Problem("dump-damaged", f"{path} lacks {name}.", "Fetch it again, or take another dump.")
    with file:
        yield cast(BinaryIO, file)


class Unpacker:
    """Decompresses one stream; ``finished`` says whether it came to its own end."""

    def __init__(self, compression: str, bits: int = 31) -> None:
        self._inner = {
            "gzip": lambda: isal_zlib.decompressobj(bits),
            "lz4": lz4.frame.LZ4FrameDecompressor,
            "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
            "none": lambda: None,
        }[compression]()
        self._step = _LEAST

    def pieces(self, block: bytes) -> Iterator[bytes]:
        """What the block gives in clear; ValueError where the stream is damaged."""
        if self._inner is None:
            yield block
            return
        begin = 0
        while begin < len(block):
            stretch = block[begin : begin + self._step]
            begin += len(stretch)
            if clear := self._clear(stretch):
                self._step = max(_LEAST, min(BLOCK, len(stretch) * _PIECE // len(clear)))
                yield clear

    def _clear(self, data: bytes) -> bytes:
        try:
            found: bytes = self._inner.decompress(data)
        except (DeflateError, RuntimeError, EOFError, zstandard.ZstdError) as error:
            raise ValueError(str(error)) from error
        return found

    @property
    def finished(self) -> bool:
        return self._inner is None or bool(self._inner.eof)


@contextmanager
def clear_stream(path: Path) -> Iterator[tuple[BinaryIO, Callable[[], int]]]:
    """A plain dump in clear, however it is compressed; and how many bytes of the file were read so far.

    Problem ``dump-truncated`` or ``dump-damaged`` where the compressed stream does not hold.
    """
    again = "Fetch it again, or take another dump."
    with readable(path), path.open("rb") as raw:
        try:
            with reading():
                yield decompressed(raw), raw.tell
        except Garbled as error:
            if isinstance(error.__cause__, EOFError):
                what = f"The dump {path} is not whole: it breaks off."
                raise Problem("dump-truncated", what, again) from None
            raise Problem("dump-damaged", f"The dump {path} {error}.", again) from error


_TAKE = "Give what pg_dump wrote: plain SQL, -Fc, -Fd or -Ft."
