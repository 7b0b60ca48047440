"""Base backups of any form in a folder or an object store, each in a folder of its own."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from archive.checksums import content_difference
from archive.formats.contents import MANIFEST, Contents
from archive.formats.plain import Plain
from archive.formats.tarred import Tarred
from archive.formats.tree import Tree
from archive.lsn import format_lsn
from archive.manifest import Manifest, duration, parse_label, parse_manifest
from archive.segments import DEFAULT_SIZE, Segment
from archive.stores.opening import store_at
from archive.stores.store import Store
from archive.wal import Archive
from problem import Problem

_SIZES = tuple(1 << power for power in range(20, 31))
"""The WAL segment sizes that initdb --wal-segsize allows: 1 MiB to 1 GiB."""
_AT_ONCE = 8
"""Folders that are looked into at the same time: far ones answer late."""


@dataclass(frozen=True)
class BaseBackup:
    """A base backup. Sizes in bytes; without the WAL from ``start_lsn`` to ``stop_lsn`` it is no database."""

    name: str
    contents: Contents = field(repr=False, compare=False)
    label: str
    timeline: int
    start_lsn: int
    stop_lsn: int
    started_at: datetime
    size: int
    """Of its own files, unpacked."""
    version_major: int
    segment_size: int
    system_identifier: int | None
    """None where it stands too deep in a tar file: before PostgreSQL 17, without WAL of its own."""
    tablespaces: Mapping[int, str] = field(default_factory=dict)
    """OIDs, and where each lay as far as the backup tells, else nothing."""
    incremental_from: tuple[int, int] | None = None
    """Timeline and start LSN of the backup that an incremental one builds on."""
    parents: tuple[BaseBackup, ...] = ()
    """The full backup and the incremental ones that have to be combined with this one, oldest first."""
    flaw: str = ""
    """What its tool found wrong with the original's data as it copied them; a restore has that too."""

    @property
    def place(self) -> str:
        """Where it lies, for people."""
        return str(self.contents.tree)

    @property
    def folder(self) -> Path | None:
        """The same on this machine; None where it lies elsewhere."""
        return self.contents.tree.path("")

    @property
    def form(self) -> str:
        """For people: "plain", "tar, gz", "plain, incremental"."""
        return self.contents.form + (", incremental" if self.incremental_from else "")

    @property
    def chain(self) -> tuple[BaseBackup, ...]:
        """Everything that a restore of it reads, the full backup first."""
        return (*self.parents, self)

    def manifest(self) -> Manifest:
        """Its manifest, read again."""
        return parse_manifest(self.contents.read(MANIFEST))

    def finished_at(self, archive: Archive) -> datetime | None:
        """When it ended, by its .backup file in the archive; None without one (a standby writes none)."""
        first = Segment(self.timeline, self.start_lsn // self.segment_size, self.segment_size)
        took = duration(archive.text(f"{first.name}.{self.start_lsn % self.segment_size:08X}.backup") or "")
        return None if took is None else self.started_at + took


@dataclass(frozen=True)
class BrokenBackup:
    """A folder that looks like a base backup and cannot be used, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Backups:
    """The base backups of a place, oldest first, and the folders in it that are none."""

    place: str
    usable: tuple[BaseBackup, ...]
    broken: tuple[BrokenBackup, ...] = ()

    def __iter__(self) -> Iterator[BaseBackup]:
        return iter(self.usable)

    def __len__(self) -> int:
        return len(self.usable)


def list_backups(location: Path | str, options: Mapping[str, Any] | None = None) -> Backups:
    """Every base backup in a folder, or by URL in an object store (``options`` as of ``archive.remote``).

    Quick, by manifest and label alone: nothing is verified. Problem if the place cannot be read. Hidden
    entries and plain files are passed over.
    """
    store = store_at(location, options, _unreadable)
    names = sorted(name for name, size in store.entries("") if size is None and not name.startswith("."))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(lambda name: read_backup(name, partial(_opened, store, name)), names))
    broken = [one for one in found if isinstance(one, BrokenBackup)]
    whole = sorted((one for one in found if isinstance(one, BaseBackup)), key=lambda one: one.stop_lsn)
    linked = [_linked(backup, whole, broken) for backup in whole]
    return Backups(
        place=str(store),
        usable=tuple(one for one in linked if isinstance(one, BaseBackup)),
        broken=(*broken, *(one for one in linked if isinstance(one, BrokenBackup))),
    )


def _unreadable(place: object, error: Exception, cure: str) -> Problem:
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or repr(error)
    return Problem("backups-unreadable", f"The folder of base backups {place} cannot be read: {words}", cure)


def read_backup(name: str, opened: Callable[[], Contents]) -> BaseBackup | BrokenBackup:
    """A backup by what ``opened`` gives, or the words why it is none."""
    try:
        return _described(name, opened())
    except (ValueError, struct.error) as error:
        return BrokenBackup(name, str(error))
    except OSError as error:
        return BrokenBackup(name, f"{error.filename or name} cannot be read: {error.strerror}")
    except Problem as problem:
        return BrokenBackup(name, problem.what)


def _opened(store: Store, name: str) -> Contents:
    tree = Tree(store, name)
    if MANIFEST not in tree.top:
        raise ValueError("has no backup_manifest: still being written, or made without one")
    return contents_of(tree)


def contents_of(tree: Tree) -> Contents:
    """The files of a backup made by pg_basebackup; ValueError in words where they are none."""
    if "PG_VERSION" in tree.top:
        return Plain(tree)
    if Tarred.fits(tree):
        return Tarred(tree)
    raise ValueError("has neither a PG_VERSION nor a base.tar: it is in no form of pg_basebackup")


def _described(name: str, contents: Contents) -> BaseBackup:
    manifest = parse_manifest(contents.read(MANIFEST))
    label = parse_label(contents.read("backup_label"))
    _vouch(contents, manifest)
    return BaseBackup(
        name=name,
        contents=contents,
        label=label.label,
        timeline=manifest.timeline,
        start_lsn=label.start_lsn,
        stop_lsn=manifest.stop_lsn,
        started_at=manifest.started_at,
        size=manifest.size,
        version_major=contents.version(),
        segment_size=segment_size(label.start_lsn, label.file, contents.wal),
        system_identifier=manifest.system_identifier or contents.system_identifier(),
        tablespaces=contents.tablespaces(),
        incremental_from=label.incremental_from,
    )


def _vouch(contents: Contents, manifest: Manifest) -> None:
    """What everything else rests on is as the manifest says: ValueError in words otherwise."""
    for name in contents.basics:
        listed = manifest.files.get(name)
        words = content_difference(listed, contents.read(name)) if listed else "is not in its manifest"
        if words:
            raise ValueError(f"its {name} {words}")


def segment_size(start_lsn: int, file: str, own: Callable[[], Mapping[str, int]] = dict) -> int:
    """The size by which a backup's first LSN lies in its first segment's file.

    Exactly one size fits unless the LSN lies in the first segment of a 4 GiB stretch; then WAL in the
    backup's own pg_wal decides, else the default. Archived segments' first pages are compared with it later.
    """
    fitting = [size for size in _SIZES if _lies_in(start_lsn, file, size)]
    if len(fitting) == 1:
        return fitting[0]
    inside = [size for name, size in own().items() if len(name) == 24]
    return next((size for size in inside if size in fitting), DEFAULT_SIZE)


def _lies_in(start_lsn: int, name: str, size: int) -> bool:
    try:
        return Segment.parse(name, size).number == start_lsn // size
    except ValueError:
        return False


def _linked(
    backup: BaseBackup, whole: list[BaseBackup], broken: list[BrokenBackup]
) -> BaseBackup | BrokenBackup:
    """A backup with everything that it builds on, or the words which one is not there."""
    chain: list[BaseBackup] = []
    while wanted := (chain[0] if chain else backup).incremental_from:
        child = chain[0] if chain else backup
        parent = next((one for one in whole if _is_parent(one, child)), None)
        if parent is None:
            return BrokenBackup(backup.name, _orphaned(child, wanted, broken))
        chain.insert(0, parent)
    return replace(backup, parents=tuple(chain))


def _is_parent(one: BaseBackup, child: BaseBackup) -> bool:
    """By what pg_combinebackup asks for; a parent began before its child, so a chain ends."""
    systems = {one.system_identifier, child.system_identifier} - {None}
    earlier = len(systems) < 2 and one.start_lsn < child.start_lsn
    return earlier and (one.timeline, one.start_lsn) == child.incremental_from


def _orphaned(child: BaseBackup, wanted: tuple[int, int], broken: list[BrokenBackup]) -> str:
    timeline, lsn = wanted
    hint = f" (perhaps {', '.join(one.name for one in broken)}, which cannot be used)" if broken else ""
    return (
        f"needs the backup that {child.name} builds on, which is not here{hint}: "
        f"it began at {format_lsn(lsn)} on timeline {timeline}"
    )
