"""Base backups and WAL archives that only look like some: enough for everything but pg_waldump."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
from collections.abc import Mapping
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


def manifest(files: Mapping[str, bytes], wal: Mapping[str, object]) -> bytes:
    """A backup_manifest of these files, with its checksum of itself."""
    listed = [
        {
            "Path": name,
            "Size": len(content),
            "Last-Modified": "2025-12-03 14:00:00 GMT",
            "Checksum-Algorithm": "SHA256",
            "Checksum": hashlib.sha256(content).hexdigest(),
        }
        for name, content in files.items()
    ]
    return signed({"PostgreSQL-Backup-Manifest-Version": 1, "Files": listed, "WAL-Ranges": [wal]})


def signed(document: Mapping[str, object]) -> bytes:
    """A manifest's text with its last line: the checksum of all before it."""
    head = json.dumps(document)[:-1].encode() + b",\n"
    return head + f'"Manifest-Checksum": "{hashlib.sha256(head).hexdigest()}"}}\n'.encode()


def base_backup(
    path: Path, number: int = 2, timeline: int = 1, more: Mapping[str, bytes] | None = None
) -> Path:
    """A backup that begins in segment ``number`` and ends in it, with ``more`` files than it must have."""
    start = number * SIZE + 0x28
    (path / "global").mkdir(parents=True)
    (path / "pg_wal").mkdir()
    name = Segment(timeline, number, SIZE).name
    files = {
        "backup_label": f"START WAL LOCATION: {format_lsn(start)} (file {name})\nLABEL: nightly\n".encode(),
        "PG_VERSION": b"15\n",
        "global/pg_control": SYSTEM.to_bytes(8, "little") + bytes(100),
        **(more or {}),
    }
    for file, content in files.items():
        (path / file).parent.mkdir(parents=True, exist_ok=True)
        (path / file).write_bytes(content)
    wal = {"Timeline": timeline, "Start-LSN": format_lsn(start), "End-LSN": format_lsn(start + 0x100)}
    (path / "backup_manifest").write_bytes(manifest(files, wal))
    return path


FILES = {
    "PG_VERSION": b"15\n",
    "base/1/1259": b"table" * 1000,
    "global/pg_control": SYSTEM.to_bytes(8, "little") + bytes(8184),
}
MAP = b"16384 /srv/fast\n16385 /srv/with\\\nnewline \\\\ and more\n"


def tar(files: Mapping[str, bytes]) -> bytes:
    """A tar file of these files, as pg_basebackup writes it."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()


def label(number: int = 2, more: str = "") -> bytes:
    """A backup_label, with ``more`` lines."""
    start = f"START WAL LOCATION: {format_lsn(number * SIZE + 0x28)} (file {Segment(1, number, SIZE).name})"
    return f"{start}\nLABEL: nightly\n{more}".encode()


def tar_backup(folder: Path, number: int = 2, more: str = "", **tars: bytes) -> Path:
    """A backup in the tar form with two tablespaces; ``tars`` replace or add files by what they hold."""
    folder.mkdir(parents=True)
    files = {"backup_label": label(number, more), "tablespace_map": MAP, **FILES}
    start = number * SIZE + 0x28
    wal = {"Timeline": 1, "Start-LSN": format_lsn(start), "End-LSN": format_lsn(start + 0x100)}
    spaces = {"pg_tblspc/16384/PG_15_1/5/2": b"fast"}
    (folder / "backup_manifest").write_bytes(manifest(files | spaces, wal))
    found = {"base": tar(files), "16384": tar({"PG_15_1/5/2": b"fast"}), "16385": tar({})} | tars
    for name, content in found.items():
        (folder / (name.replace("_gz", "") + (".tar.gz" if name.endswith("_gz") else ".tar"))).write_bytes(
            content
        )
    return folder
