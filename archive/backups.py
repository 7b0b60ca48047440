"""Base backups in a folder: each a folder of its own, in pg_basebackup's plain format, with its manifest."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archive.manifest import Manifest, duration, read_label, read_manifest
from archive.segments import DEFAULT_SIZE, Segment
from archive.wal import Archive
from problem import Problem
from toolchain.postgres import Binaries

_SIZES = tuple(1 << power for power in range(20, 31))
"""The WAL segment sizes that initdb --wal-segsize allows: 1 MiB to 1 GiB."""


@dataclass(frozen=True)
class BaseBackup:
    """A base backup. Sizes in bytes; without the WAL from ``start_lsn`` to ``stop_lsn`` it is no database."""

    name: str
    path: Path
    label: str
    timeline: int
    start_lsn: int
    stop_lsn: int
    started_at: datetime
    size: int
    version_major: int
    segment_size: int
    system_identifier: int

    def finished_at(self, archive: Archive) -> datetime | None:
        """When it ended, by its .backup file in the archive; None without one (a standby writes none)."""
        first = Segment(self.timeline, self.start_lsn // self.segment_size, self.segment_size)
        took = duration(archive.text(f"{first.name}.{self.start_lsn % self.segment_size:08X}.backup") or "")
        return None if took is None else self.started_at + took


@dataclass(frozen=True)
class BrokenBackup:
    """A folder that looks like a base backup and cannot be used, and why."""

    name: str
    path: Path
    why: str


@dataclass(frozen=True)
class Backups:
    """The base backups of a folder, oldest first, and the folders that are none."""

    folder: Path
    usable: tuple[BaseBackup, ...]
    broken: tuple[BrokenBackup, ...] = ()

    def __iter__(self) -> Iterator[BaseBackup]:
        return iter(self.usable)

    def __len__(self) -> int:
        return len(self.usable)


def list_backups(folder: Path) -> Backups:
    """Every base backup in a folder, by its manifest and label alone: quick, nothing is verified.

    Problem if the folder cannot be read. Hidden entries and plain files are passed over.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise Problem(
            "backups-unreadable",
            f"The folder of base backups {folder} cannot be read: {error.strerror}",
            f"Check the path and its permissions: ls -ld {folder}",
        ) from error
    found = [_read(path) for path in paths]
    usable = sorted((b for b in found if isinstance(b, BaseBackup)), key=lambda backup: backup.stop_lsn)
    return Backups(folder, tuple(usable), tuple(b for b in found if isinstance(b, BrokenBackup)))


def _read(path: Path) -> BaseBackup | BrokenBackup:
    """One folder: a backup, or the words why not."""
    try:
        if not (path / "backup_manifest").exists():
            raise ValueError("has no backup_manifest: still being written, or made without one")
        if not (path / "PG_VERSION").exists():
            raise ValueError("has no PG_VERSION: only pg_basebackup's plain format can be read, not tar")
        if (path / "pg_tblspc").is_dir() and any((path / "pg_tblspc").iterdir()):
            raise ValueError("has tablespaces outside its folder, which cannot be restored yet")
        return _describe(path, read_manifest(path / "backup_manifest"))
    except ValueError as error:
        return BrokenBackup(path.name, path, str(error))
    except OSError as error:
        return BrokenBackup(path.name, path, f"{error.filename or path} cannot be read: {error.strerror}")


def _describe(path: Path, manifest: Manifest) -> BaseBackup:
    label = read_label(path / "backup_label")
    return BaseBackup(
        name=path.name,
        path=path,
        label=label.label,
        timeline=manifest.timeline,
        start_lsn=label.start_lsn,
        stop_lsn=manifest.stop_lsn,
        started_at=manifest.started_at,
        size=sum(manifest.sizes.values()),
        version_major=int((path / "PG_VERSION").read_text(encoding="ascii").split(".")[0]),
        segment_size=_segment_size(path, label.start_lsn, label.file),
        # The first field of ControlFileData in every version of PostgreSQL.
        system_identifier=int.from_bytes((path / "global/pg_control").read_bytes()[:8], "little"),
    )


def _segment_size(path: Path, start_lsn: int, name: str) -> int:
    """The size by which the label's LSN lies in the label's file.

    Exactly one size fits unless the LSN lies in the first segment of a 4 GiB stretch; then WAL in the
    backup's own pg_wal decides, else the default. Archived segments' first pages are compared with it later.
    """
    fitting = [size for size in _SIZES if _lies_in(start_lsn, name, size)]
    if len(fitting) == 1:
        return fitting[0]
    inside = [file.stat().st_size for file in (path / "pg_wal").glob("[0-9A-F]" * 24)]
    return next((size for size in inside if size in fitting), DEFAULT_SIZE)


def _lies_in(lsn: int, name: str, size: int) -> bool:
    try:
        return Segment.parse(name, size).number == lsn // size
    except ValueError:
        return False


def check_files(backup: BaseBackup) -> None:
    """Compare names and sizes with the manifest, reading no data; Problem ``backup-damaged`` names files."""
    complaints = []
    for name, size in read_manifest(backup.path / "backup_manifest").sizes.items():
        try:
            found = (backup.path / name).stat().st_size
        except OSError:
            complaints.append(f"{name} is missing")
            continue
        if found != size:
            complaints.append(f"{name} has {found:,} bytes instead of {size:,}")
    if complaints:
        raise damaged(backup, complaints)


def verify(backup: BaseBackup, binaries: Binaries, progress: Callable[[str], None] = lambda _: None) -> None:
    """Read every file of the backup and compare its checksum (pg_verifybackup); Problem ``backup-damaged``.

    WAL is left out: it comes from the archive, where ``verify_wal`` reads it.
    """
    progress(f"verifying base backup {backup.name} against its manifest, {backup.size / 1e6:,.0f} MB")
    started = time.monotonic()
    run = subprocess.run(
        [binaries.tool("pg_verifybackup"), "--no-parse-wal", "--quiet", backup.path],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
    if run.returncode:
        lines = run.stderr.splitlines() or [f"pg_verifybackup ended with {run.returncode}"]
        raise damaged(
            backup, [line.removeprefix("pg_verifybackup: ").removeprefix("error: ") for line in lines]
        )
    seconds = time.monotonic() - started
    progress(f"base backup {backup.name} is whole, read at {backup.size / 1e6 / seconds:,.0f} MB/s")


def damaged(backup: BaseBackup, complaints: list[str]) -> Problem:
    """The error of a backup that differs from its manifest: the first complaints, and how many more."""
    shown = "; ".join(complaints[:5]) + (f"; and {len(complaints) - 5} more" if len(complaints) > 5 else "")
    return Problem(
        "backup-damaged",
        f"The base backup {backup.name} in {backup.path} is not whole: {shown}",
        "Name another base backup (reforge sources lists them), or bring its files back from a copy",
    )
