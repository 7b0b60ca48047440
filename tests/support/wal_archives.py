"""WAL archives as other tools keep them: the same files, compressed, nested or in a bucket."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import zstandard

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": lambda data: gzip.compress(data, 1),
    ".lz4": lz4.frame.compress,
    ".zst": zstandard.ZstdCompressor(1).compress,
}


def compress(source: Path, target: Path, *suffixes: str) -> Path:
    """A copy of an archive, each file compressed with the next of the suffixes; "" leaves it plain."""
    target.mkdir()
    for number, file in enumerate(sorted(path for path in source.iterdir() if path.is_file())):
        put(file, target, suffixes[number % len(suffixes)])
    return target


def put(file: Path, target: Path, suffix: str) -> Path:
    """One file of an archive into another, compressed."""
    content = file.read_bytes()
    made = target / (file.name + suffix)
    made.write_bytes(COMPRESSORS[suffix](content) if suffix else content)
    return made
