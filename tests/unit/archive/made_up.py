"""Base backups and WAL archives that only look like some: enough for everything but pg_waldump."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from archive.lsn import format_lsn
from archive.segments import Segment

SIZE = 1024 * 1024
SYSTEM = 7_000_000_000_000_000_001


def first_page(segment: Segment, system: int = SYSTEM) -> bytes:
    """The long header of a segment's first page."""
    return struct.pack(
        "=HHIQI4xQII", 0xD110, 2, segment.timeline, segment.start_lsn, 0, system, segment.size, 8192
    )


def put(folder: Path, segment: Segment, system: int = SYSTEM) -> Path:
    """A sparse segment file with nothing but its first page."""
    path = folder / segment.name
    path.write_bytes(first_page(segment, system))
    with path.open("r+b") as file:
        file.truncate(segment.size)
    return path


def archive_of(folder: Path, *numbers: int, timeline: int = 1) -> Path:
    """An archive with these segments of one timeline."""
    folder.mkdir(exist_ok=True)
    for number in numbers:
        put(folder, Segment(timeline, number, SIZE))
    return folder


def base_backup(path: Path, number: int = 2, timeline: int = 1) -> Path:
    """A backup that begins in segment ``number`` and ends in it."""
    start = number * SIZE + 0x28
    (path / "global").mkdir(parents=True)
    (path / "pg_wal").mkdir()
    name = Segment(timeline, number, SIZE).name
    files = {
        "backup_label": f"START WAL LOCATION: {format_lsn(start)} (file {name})\nLABEL: nightly\n".encode(),
        "PG_VERSION": b"15\n",
        "global/pg_control": SYSTEM.to_bytes(8, "little") + bytes(100),
    }
    for file, content in files.items():
        (path / file).write_bytes(content)
    wal = {"Timeline": timeline, "Start-LSN": format_lsn(start), "End-LSN": format_lsn(start + 0x100)}
    listed = [
        {"Path": file, "Size": len(content), "Last-Modified": "2025-12-03 14:00:00 GMT"}
        for file, content in files.items()
    ]
    (path / "backup_manifest").write_text(json.dumps({"Files": listed, "WAL-Ranges": [wal]}))
    return path
