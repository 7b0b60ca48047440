"""What can be restored of a cluster of one's own: its base backups, the time each reaches, the gaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from archive.archiver import still_in_source
from archive.backups import Backups
from archive.lsn import format_lsn
from archive.repositories.repository import Declared, look_into
from archive.segments import Segment
from archive.wal import Archive
from archive.windows import Gap, Window, windows
from problem import Problem
from toolchain.postgres import find_binaries


@dataclass(frozen=True)
class Backup:
    """A base backup. ``size`` in bytes; ``problems`` in words, none for one that can be restored whole."""

    name: str
    size: int | None = None
    started: datetime | None = None
    finished: datetime | None = None
    timeline: int | None = None
    version: int | None = None
    form: str | None = None
    tablespaces: Mapping[int, str] = field(default_factory=dict)
    """By OID, where the original has each, as far as the backup tells, else nothing."""
    builds_on: tuple[str, ...] = ()
    """The backups that an incremental one needs, the full one first."""
    problems: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """JSON values; times in ISO 8601, UTC."""
        return {
            "name": self.name,
            "size": self.size,
            "started": _iso(self.started),
            "finished": _iso(self.finished),
            "timeline": self.timeline,
            "version": self.version,
            "form": self.form,
            "tablespaces": {str(oid): location for oid, location in self.tablespaces.items()},
            "buildsOn": list(self.builds_on),
            "problems": list(self.problems),
        }


@dataclass(frozen=True)
class Reach:
    """What can be reached from one backup: [start, end] in time and in WAL positions, and the gaps after it.

    Any time before ``end``, the last commit, can be restored; ``timeline`` is the one that is followed.
    """

    backup: str
    start: datetime
    end: datetime
    start_lsn: str
    end_lsn: str
    timeline: int
    gaps: tuple[Gap, ...]

    def document(self) -> dict[str, Any]:
        """JSON values; times in ISO 8601, UTC."""
        return {
            "backup": self.backup,
            "start": _iso(self.start),
            "end": _iso(self.end),
            "startLsn": self.start_lsn,
            "endLsn": self.end_lsn,
            "timeline": self.timeline,
            "gaps": [vars(gap) for gap in self.gaps],
        }


@dataclass(frozen=True)
class Catalog:
    """Everything that ``reforge sources`` shows; backups and windows oldest first.

    ``still_in_source``: segments that the archive lacks and the source's own pg_wal still has.
    """

    backups: tuple[Backup, ...]
    windows: tuple[Reach, ...]
    still_in_source: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """One JSON document."""
        return {
            "backups": [backup.document() for backup in self.backups],
            "windows": [window.document() for window in self.windows],
            "stillInSource": list(self.still_in_source),
        }


def what_can_be_restored(source: Declared) -> Catalog:
    """Look through the backups and the archive; nothing is verified and nothing of the source is touched.

    Problem where a folder cannot be read. Backups whose PostgreSQL version is not on this machine say so.
    """
    repository = look_into(source)
    listing, archive = repository.backups, repository.archive
    found = tuple(window for part in _by_version(listing) for window in _windows(part, archive))
    return Catalog(
        backups=(
            *(_backup(window) for window in found),
            *(Backup(one.name, problems=(one.why,)) for one in listing.broken),
        ),
        windows=tuple(reach for window in found if (reach := _reach(window))),
        still_in_source=_still_in_source(found, archive),
    )


def _by_version(listing: Backups) -> list[Backups]:
    """WAL is read by the programs of its own major version only."""
    majors = sorted({backup.version_major for backup in listing})
    return [
        Backups(listing.place, tuple(backup for backup in listing if backup.version_major == major))
        for major in majors
    ]


def _windows(part: Backups, archive: Archive) -> tuple[Window, ...]:
    try:
        return windows(part, archive, find_binaries(part.usable[0].version_major))
    except Problem as problem:
        return tuple(Window(backup, backup.finished_at(archive), problem=str(problem)) for backup in part)


def _backup(window: Window) -> Backup:
    backup = window.backup
    return Backup(
        name=backup.name,
        size=backup.size,
        started=backup.started_at,
        finished=window.finished_at,
        timeline=backup.timeline,
        version=backup.version_major,
        form=backup.form,
        tablespaces=backup.tablespaces,
        builds_on=tuple(parent.name for parent in backup.parents),
        problems=tuple(words for words in (window.problem, backup.flaw) if words),
    )


def _reach(window: Window) -> Reach | None:
    """None where the backup reaches nothing; its problem says why."""
    if window.start is None or window.end is None or window.start_lsn is None or window.end_lsn is None:
        return None
    return Reach(
        backup=window.backup.name,
        start=window.start,
        end=window.end,
        start_lsn=format_lsn(window.start_lsn),
        end_lsn=format_lsn(window.end_lsn),
        timeline=window.timeline or window.backup.timeline,
        gaps=window.gaps,
    )


def _still_in_source(found: tuple[Window, ...], archive: Archive) -> tuple[str, ...]:
    """The missing segments that the source could still archive."""
    names: set[str] = set()
    for window in found:
        for gap in window.gaps:
            first = Segment.parse(gap.first, window.backup.segment_size)
            names |= {
                segment.name
                for number in range(first.number, first.number + gap.count)
                if still_in_source(
                    segment := Segment(first.timeline, number, first.size), archive.data_directory
                )
            }
    return tuple(sorted(names))


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
