"""Where the tablespaces of a restored instance go: beside its data directory, or by rule to other disks.

Never to where the original has them, and never back into the backup.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path, PurePosixPath

from archive.backups import BaseBackup
from archive.chain import Chain
from archive.formats.contents import TABLESPACES
from archive.formats.delegated import Delegated
from archive.lsn import format_lsn
from archive.segments import Segment
from archive.spaces import NewTablespace, looked_through
from dbrestore.postgres.inputs import InstanceInputs
from dbrestore.space import Need
from problem import Problem, Refusal
from toolchain.postgres import Binaries

_SUFFIX = ".tablespaces"


def locations(inputs: InstanceInputs, backup: BaseBackup) -> dict[int, Path]:
    """A folder for each tablespace by its OID, ``FOLDER/RESTORE.tablespaces/OID``.

    FOLDER is that of the longest rule that the original's location begins with, else the restores' own.
    """
    home, restore = inputs.directory.parent, inputs.directory.name
    return {
        oid: _folder(origin, inputs.source.tablespaces or {}, home) / f"{restore}{_SUFFIX}" / str(oid)
        for oid, origin in backup.tablespaces.items()
    }


def _folder(origin: str, rules: Mapping[str, Path], home: Path) -> Path:
    fitting = [rule for rule in rules if origin and PurePosixPath(origin).is_relative_to(rule)]
    return rules[max(fitting, key=len)] if fitting else home


def needs(inputs: InstanceInputs, backup: BaseBackup) -> tuple[Need, ...]:
    """The room that each takes where it goes, as far as manifests tell."""
    if isinstance(backup.contents, Delegated) or not backup.tablespaces:
        return ()
    found = dict.fromkeys(backup.tablespaces, 0)
    for one in backup.chain:
        for name, file in one.manifest().files.items():
            top, *rest = name.split("/", 2)
            if top == TABLESPACES and len(rest) == 2:  # a stray file would lie there directly
                found[int(rest[0])] += file.size
    spaces = locations(inputs, backup).items()
    return tuple(Need(folder, found[oid], source=backup.folder) for oid, folder in spaces)


def check(inputs: InstanceInputs, backup: BaseBackup, ours: Collection[str]) -> list[str]:
    """The folders that hold them, which the mark has to name before they are made.

    Refusal ``not-ours`` where one exists and is not among ``ours``; Problem ``tablespace-in-the-way`` where
    one would lie in the backup or in a folder of the original.
    """
    holders = sorted({folder.parent for folder in locations(inputs, backup).values()})
    taken = _taken(inputs, backup)
    for holder in holders:
        if str(holder) not in ours and (holder.is_symlink() or _filled(holder)):
            what = f"{holder} exists and was not made by Reforge; tablespaces of the restore would go there."
            raise Refusal("not-ours", what, "Look at it, then move it away or give the restore another name.")
        inside = next((place for place in taken if holder.resolve().is_relative_to(place.resolve())), None)
        if inside:
            what = f"The tablespaces of the restore would go to {holder}, which lies in {inside}."
            cure = "Choose another folder for them: reforge:source.tablespaces in the stack's config."
            raise Problem("tablespace-in-the-way", what, cure)
    return [str(holder) for holder in holders]


def _taken(inputs: InstanceInputs, backup: BaseBackup) -> list[Path]:
    """Folders of the original and of its backups."""
    source = inputs.source
    places = [source.data_directory, source.archive, source.backups, *(one.folder for one in backup.chain)]
    origins = [Path(origin) for origin in backup.tablespaces.values() if origin]
    return [*origins, *(place for place in places if isinstance(place, Path))]


def refuse_new(
    chain: Chain,
    span: tuple[int, int],
    binaries: Binaries,
    given_up: Callable[[], bool] = lambda: False,
    passed: Callable[[tuple[Segment, ...]], None] = lambda _: None,
) -> None:
    """Read the WAL that will be replayed; Problem ``tablespace-created-since`` where it makes one.

    ``passed`` hears of segments that may be replayed; ``given_up`` is asked after each few of them.
    """
    for segments, found in looked_through(chain, span, binaries):
        if found:
            raise _created_since(found)
        passed(segments)
        if given_up():
            return


def _created_since(found: NewTablespace) -> Problem:
    what = (
        f"The WAL makes the tablespace {found.oid} at {format_lsn(found.lsn)}, after the base backup: "
        f"replaying it would write into {found.location}, where the original has it."
    )
    cure = (
        "Restore to a point before it, or from a base backup that was taken after it "
        "(reforge sources lists them)."
    )
    return Problem("tablespace-created-since", what, cure)


def remove(holders: Collection[str], directory: Path) -> None:
    """Remove what a mark names; names that are not of our making are left alone."""
    for holder in map(Path, holders):
        if holder.name == f"{directory.name}{_SUFFIX}" and not holder.is_symlink() and holder.is_dir():
            shutil.rmtree(holder)


def _filled(folder: Path) -> bool:
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
