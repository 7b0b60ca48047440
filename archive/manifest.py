"""The three texts of a base backup: backup_manifest, backup_label, and the .backup file in the archive.

Sources: manual, "Backup Manifest Format"; the label's lines as pg_backup_start writes them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from archive.lsn import parse_lsn
from problem import Problem

_START = re.compile(r"START WAL LOCATION: (\S+) \(file ([0-9A-F]{24})\)")
_TIME = re.compile(r"^(START|STOP) TIME: (\d+-\d+-\d+ \d+:\d+:\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Listed:
    """A file as backup_manifest lists it: bytes, and the checksum in hexadecimal; "NONE" has none."""

    size: int
    algorithm: str = "NONE"
    checksum: str = ""


@dataclass(frozen=True)
class Manifest:
    """What backup_manifest lists: files by relative path, and the WAL that the backup needs."""

    files: Mapping[str, Listed]
    started_at: datetime
    timeline: int
    start_lsn: int
    stop_lsn: int
    system_identifier: int | None = None
    """Since PostgreSQL 17."""

    @property
    def size(self) -> int:
        """All its files together, in bytes."""
        return sum(file.size for file in self.files.values())


def parse_manifest(content: bytes) -> Manifest:
    """Parse a manifest; ValueError in words where it is not one or does not agree with its own checksum."""
    _check(content)
    try:
        document = json.loads(content)
        files, ranges = document["Files"], document["WAL-Ranges"]
        label = next(file for file in files if file.get("Path") == "backup_label")
        return Manifest(
            files={_relative_path(file): _listed(file) for file in files},
            # The label's own time is in the server's log_timezone, whose abbreviation may be ambiguous.
            started_at=datetime.strptime(label["Last-Modified"], "%Y-%m-%d %H:%M:%S GMT").replace(tzinfo=UTC),
            timeline=int(ranges[0]["Timeline"]),
            start_lsn=parse_lsn(ranges[0]["Start-LSN"]),
            stop_lsn=parse_lsn(ranges[-1]["End-LSN"]),
            system_identifier=document.get("System-Identifier"),
        )
    except (ValueError, KeyError, IndexError, TypeError, StopIteration, Problem) as error:
        raise ValueError(f"its backup_manifest cannot be understood ({error!r})") from error


def _check(content: bytes) -> None:
    """The last line is the SHA-256 of everything before it (manual, "Backup Manifest Format")."""
    head, found, tail = content.rpartition(b'"Manifest-Checksum"')
    match = re.match(rb'\s*:\s*"([0-9a-fA-F]{64})"', tail)
    if not found or not match:
        raise ValueError("its backup_manifest ends without the checksum of itself: it is cut short")
    if hashlib.sha256(head).hexdigest() != match[1].decode().lower():
        raise ValueError("its backup_manifest was changed: it does not agree with its own checksum")


def _listed(file: Mapping[str, Any]) -> Listed:
    algorithm = str(file.get("Checksum-Algorithm", "NONE"))
    return Listed(int(file["Size"]), algorithm, str(file.get("Checksum", "")).lower())


def _relative_path(file: Mapping[str, str]) -> str:
    """Names that are not UTF-8 stand in the manifest as hexadecimal bytes."""
    if "Path" in file:
        return file["Path"]
    return bytes.fromhex(file["Encoded-Path"]).decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Label:
    """What backup_label says; ``file`` is the first WAL segment's name."""

    label: str
    start_lsn: int
    file: str
    incremental_from: tuple[int, int] | None = None
    """Timeline and LSN where the backup begins that an incremental one builds on."""


def parse_label(content: bytes) -> Label:
    """Parse a backup_label; ValueError in words where it is not one."""
    text = content.decode("utf-8", "replace")
    start = _START.search(text)
    if start is None:
        raise ValueError("its backup_label names no START WAL LOCATION")
    name = re.search(r"^LABEL: (.*)$", text, re.MULTILINE)
    return Label(name[1] if name else "", parse_lsn(start[1]), start[2], _incremental(text))


def _incremental(text: str) -> tuple[int, int] | None:
    lsn = re.search(r"^INCREMENTAL FROM LSN: (\S+)$", text, re.MULTILINE)
    timeline = re.search(r"^INCREMENTAL FROM TLI: (\d+)$", text, re.MULTILINE)
    return (int(timeline[1]), parse_lsn(lsn[1])) if lsn and timeline else None


def duration(history: str) -> timedelta | None:
    """From the start to the stop of a backup by the text of its .backup file; None where it does not tell.

    A difference, because both times are in a zone that only the server knows.
    """
    try:
        times = dict(_TIME.findall(history))
        start, stop = (datetime.fromisoformat(times[key]) for key in ("START", "STOP"))
    except (KeyError, ValueError):
        return None
    return stop - start
