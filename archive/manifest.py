"""The three texts of a base backup: backup_manifest, backup_label, and the .backup file in the archive.

Sources: manual, "Backup Manifest Format"; the label's lines as pg_backup_start writes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archive.lsn import parse_lsn

_START = re.compile(r"START WAL LOCATION: (\S+) \(file ([0-9A-F]{24})\)")
_TIME = re.compile(r"^(START|STOP) TIME: (\d+-\d+-\d+ \d+:\d+:\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Manifest:
    """What backup_manifest lists: sizes in bytes by relative path, and the WAL that the backup needs."""

    sizes: Mapping[str, int]
    started_at: datetime
    timeline: int
    start_lsn: int
    stop_lsn: int


def read_manifest(path: Path) -> Manifest:
    """Parse a manifest; ValueError in words where it is not one, OSError where it cannot be read."""
    try:
        document = json.loads(path.read_bytes())
        files, ranges = document["Files"], document["WAL-Ranges"]
        label = next(file for file in files if file.get("Path") == "backup_label")
        return Manifest(
            sizes={_relative_path(file): int(file["Size"]) for file in files},
            # The label's own time is in the server's log_timezone, whose abbreviation may be ambiguous.
            started_at=datetime.strptime(label["Last-Modified"], "%Y-%m-%d %H:%M:%S GMT").replace(tzinfo=UTC),
            timeline=int(ranges[0]["Timeline"]),
            start_lsn=parse_lsn(ranges[0]["Start-LSN"]),
            stop_lsn=parse_lsn(ranges[-1]["End-LSN"]),
        )
    except (ValueError, KeyError, IndexError, TypeError, StopIteration) as error:
        raise ValueError(f"its backup_manifest cannot be understood ({error!r})") from error


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


def read_label(path: Path) -> Label:
    """Parse a backup_label; ValueError in words where it is not one."""
    text = path.read_text(encoding="utf-8", errors="replace")
    start = _START.search(text)
    if start is None:
        raise ValueError("its backup_label names no START WAL LOCATION")
    name = re.search(r"^LABEL: (.*)$", text, re.MULTILINE)
    return Label(name[1] if name else "", parse_lsn(start[1]), start[2])


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
