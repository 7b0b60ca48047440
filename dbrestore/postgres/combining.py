"""An incremental base backup put in place: all it builds on is verified, then pg_combinebackup joins them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from archive.backups import BaseBackup
from archive.formats.contents import MANIFEST, TABLESPACES
from dbrestore.handler import Context
from dbrestore.postgres.copying import copy_backup, interrupted, told_with_room, verify_backup
from dbrestore.postgres.placement import EMPTIED, LEFT_OUT, Placement
from problem import Problem
from toolchain.postgres import find_binaries

STAGING = "reforge-combining"
"""In the new data directory, so that whatever removes that removes it too."""
_POLL_SECONDS = 0.2


def place_backup(backup: BaseBackup, placement: Placement, context: Context) -> int:
    """Bring any base backup to its place, verified; gives the bytes read. Problems as of ``copy_backup``.

    Besides ``combining-failed`` in pg_combinebackup's words.
    """
    if not backup.parents:
        return copy_backup(backup, placement, context)
    staging = placement.directory / STAGING
    inputs = [_readable(one, staging / str(number), context) for number, one in enumerate(backup.chain)]
    context.progress(f"combining {len(inputs)} base backups into one")
    with told_with_room(placement.directory):
        _combine(backup, inputs, staging / "whole", placement, context)
        _move(staging / "whole", placement)
        shutil.rmtree(staging)
        placement.prepare()
    return sum(one.size for one in backup.chain)


def staged(backup: BaseBackup) -> int:
    """The bytes that are needed besides the result while backups are combined."""
    return sum(one.size for one in backup.chain if not _near(one)) if backup.parents else 0


def _near(backup: BaseBackup) -> bool:
    """Whether pg_combinebackup can read it where it lies."""
    return backup.contents.form == "plain" and backup.folder is not None


def _readable(backup: BaseBackup, staging: Path, context: Context) -> Path:
    """A verified folder in the plain form: the backup's own, or an unpacked one."""
    if backup.folder and _near(backup):
        verify_backup(backup, context)
        return backup.folder
    staging.mkdir(parents=True, mode=0o700)
    spaces = {oid: staging.with_suffix(".tablespaces") / str(oid) for oid in backup.tablespaces}
    copy_backup(backup, Placement(staging, None, spaces, whole=True), context)
    (staging / MANIFEST).write_bytes(backup.contents.read(MANIFEST))
    return staging


def _combine(
    backup: BaseBackup, inputs: list[Path], output: Path, placement: Placement, context: Context
) -> None:
    tool = find_binaries(backup.version_major).tool("pg_combinebackup")
    command = [str(tool), "--no-sync", "--no-manifest", "-o", str(output)]
    for old, new in _relocations(inputs[-1], placement.tablespaces).items():
        command += ["-T", f"{_escaped(old)}={_escaped(new)}"]
    output.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    process = subprocess.Popen(
        [*command, *inputs], stderr=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C"}
    )
    while True:
        try:
            _out, words = process.communicate(timeout=_POLL_SECONDS)
            break
        except subprocess.TimeoutExpired:
            if context.cancelled.is_set():
                process.kill()
                process.communicate()
                raise interrupted() from None
    if process.returncode:
        what = f"The base backup {backup.name} cannot be combined with those it builds on: {words.strip()}"
        raise Problem("combining-failed", what, "Take a backup that is full: reforge sources lists them.")


def _relocations(last: Path, spaces: Mapping[int, Path]) -> dict[Path, Path]:
    links = {oid: last / TABLESPACES / str(oid) for oid in spaces}
    return {Path(os.readlink(link)): spaces[oid] for oid, link in links.items() if link.is_symlink()}


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace("=", "\\=")


def _move(whole: Path, placement: Placement) -> None:
    """The joined cluster to where it will run, without what is the original's alone."""
    for name in LEFT_OUT:
        (whole / name).unlink(missing_ok=True)
    for name in EMPTIED:
        shutil.rmtree(whole / name, ignore_errors=True)
    shutil.rmtree(whole / "pg_wal/archive_status", ignore_errors=True)
    for entry in list(whole.iterdir()):
        entry.rename(placement.directory / entry.name)
    for oid, folder in placement.tablespaces.items():
        inside = placement.directory / TABLESPACES / str(oid)
        if not inside.is_symlink():  # it lay in the backup itself
            shutil.move(inside, folder)
            inside.symlink_to(folder)
    placement.own_all()
