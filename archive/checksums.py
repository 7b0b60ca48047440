"""The checksums of backup_manifest (manual, "Backup Manifest Format")."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from typing import Protocol

import google_crc32c

from archive.compression import Garbled
from archive.manifest import Listed


class Sum(Protocol):
    """A checksum that grows with what is read."""

    def update(self, data: bytes, /) -> object:
        """Take in the next bytes."""

    def hexdigest(self) -> str:
        """As backup_manifest has it."""


class _Crc32c:
    """CRC-32C, as PostgreSQL writes the four bytes that this machine has in memory."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = google_crc32c.extend(self._value, data)

    def hexdigest(self) -> str:
        return self._value.to_bytes(4, sys.byteorder).hex()


class _None:
    """No checksum at all (pg_basebackup --manifest-checksums=none)."""

    def update(self, data: bytes, /) -> None:
        """Nothing to do."""

    def hexdigest(self) -> str:
        return ""


_SUMS: Mapping[str, Callable[[], Sum]] = {
    "NONE": _None,
    "CRC32C": _Crc32c,
    "SHA224": hashlib.sha224,
    "SHA256": hashlib.sha256,
    "SHA384": hashlib.sha384,
    "SHA512": hashlib.sha512,
}


def empty_sum(listed: Listed | None) -> Sum:
    """The checksum of no bytes yet, of the kind that the manifest has; ``Garbled`` for an unknown kind."""
    kind = listed.algorithm.upper() if listed else "NONE"
    if kind not in _SUMS:
        raise Garbled(f"its manifest has checksums of the unknown kind {kind}")
    return _SUMS[kind]()


def difference(listed: Listed, size: int, checksum: str) -> str:
    """How a file differs from what the manifest lists, in words that follow its name; else nothing."""
    if size != listed.size:
        return f"has {size:,} bytes instead of {listed.size:,}"
    if listed.algorithm.upper() != "NONE" and checksum != listed.checksum:
        return f"is damaged inside: its {listed.algorithm} is {checksum} instead of {listed.checksum}"
    return ""


def content_difference(listed: Listed, content: bytes) -> str:
    """The same for a small file that was read already."""
    found = empty_sum(listed)
    found.update(content)
    return difference(listed, len(content), found.hexdigest())
