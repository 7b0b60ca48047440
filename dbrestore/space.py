"""Whether a restore fits: needed and free bytes of each file system, known before anything is written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dbrestore.progress import size
from problem import Problem

SHARING = {"btrfs", "xfs", "bcachefs"}
"""File systems that can share blocks between files (FICLONE): a copy within one may take no room."""


@dataclass(frozen=True)
class Need:
    """Bytes that will be written below ``path``, which need not exist yet.

    ``growth``: bytes that may come on top, as replayed WAL makes tables grow or a dump has its indexes made.
    """

    path: Path
    count: int
    growth: int = 0
    source: Path | None = None
    """Where they are copied from, if that is a folder of this machine."""


@dataclass(frozen=True)
class FileSystem:
    """One file system and all that is needed on it; bytes."""

    place: Path
    """The first of the folders on it, for people."""
    needed: int
    growth: int
    free: int
    shared: bool
    """Whether the copy may share the backup's blocks, so that less than ``needed`` is taken."""

    @property
    def fits(self) -> bool:
        return self.shared or self.needed <= self.free

    def __str__(self) -> str:
        text = f"{self.place}: needs {size(self.needed)}"
        if self.growth:
            text += f" and up to {size(self.growth)} more before it is done"
        return f"{text}, {size(self.free)} free" + (", blocks can be shared" if self.shared else "")


def file_systems(needs: Iterable[Need]) -> list[FileSystem]:
    """The needs by file system. Free bytes are those that an account without privileges may use."""
    found: dict[int, list[Need]] = {}
    for need in needs:
        found.setdefault(_existing(need.path).stat().st_dev, []).append(need)
    return [_summed(together) for together in found.values()]


def fitting(needs: Iterable[Need]) -> list[str]:
    """A line for each file system; Problem ``no-space`` where one is too small for what is certain."""
    systems = file_systems(needs)
    small = [one for one in systems if not one.fits]
    if small:
        short = "; ".join(f"{one}, {size(one.needed - one.free)} too little" for one in small)
        cure = "Make room there, or choose another folder: reforge:source.directory in the stack's config."
        raise Problem("no-space", f"The restore does not fit. {short}.", cure)
    return [f"{one}{_warning(one)}" for one in systems]


def _warning(system: FileSystem) -> str:
    tight = not system.shared and system.needed + system.growth > system.free
    return "; it may become full before it is done" if tight else ""


def _summed(needs: list[Need]) -> FileSystem:
    place = _existing(needs[0].path)
    figures = os.statvfs(place)
    return FileSystem(
        place=needs[0].path,
        needed=sum(need.count for need in needs),
        growth=sum(need.growth for need in needs),
        free=figures.f_bavail * figures.f_frsize,
        shared=all(_may_share(need) for need in needs),
    )


def _may_share(need: Need) -> bool:
    place = _existing(need.path)
    if need.source is None or _existing(need.source).stat().st_dev != place.stat().st_dev:
        return False
    return _type_of(place) in SHARING


def _type_of(path: Path) -> str:
    """The file system's name by the longest mount point that holds the path (proc(5), mounts)."""
    resolved, best = path.resolve(), ("", "")
    for line in Path("/proc/mounts").read_text().splitlines():
        _device, mount, name, *_rest = line.split(" ")
        point = mount.encode().decode("unicode_escape")
        if resolved.is_relative_to(point) and len(point) > len(best[0]):
            best = point, name
    return best[1]


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(one for one in (path, *path.parents) if one.exists())
