"""A base backup brought into its place by the tool that made it, which verifies what it unpacks."""

from __future__ import annotations

import shutil
from pathlib import Path

from archive.backups import BaseBackup
from archive.formats.contents import TABLESPACES
from archive.formats.delegated import Delegated
from dbrestore.handler import Context
from dbrestore.postgres.combining import place_backup
from dbrestore.postgres.copying import COPYING, interrupted
from dbrestore.postgres.placement import EMPTIED, LEFT_OUT, Placement
from dbrestore.progress import Meter

STAGING = "reforge-unpacking"
"""In the new data directory: tools want an empty folder, and ours has the mark in it."""


def bring(backup: BaseBackup, placement: Placement, context: Context) -> int:
    """Bring a base backup of any form to its place, verified; gives the bytes read.

    Problems as of ``combining.place_backup``; what only a tool can unpack is unpacked by that.
    """
    if isinstance(backup.contents, Delegated):
        return place_delegated(backup, backup.contents, placement, context)
    return place_backup(backup, placement, context)


def place_delegated(backup: BaseBackup, contents: Delegated, placement: Placement, context: Context) -> int:
    """Have it unpacked and bring it to its place; gives its bytes.

    Problem ``interrupted`` when the operator stops it, else the tool's own.
    """
    meter = Meter(COPYING, backup.size, context.progress)

    def told(share: float | None) -> bool:
        if share is not None:
            meter.reach(int(share * backup.size))
        return not context.cancelled.is_set()

    staging = placement.directory / STAGING
    for folder in (STAGING, *(f"{TABLESPACES}/{oid}" for oid in placement.tablespaces)):
        placement.of(f"{folder}/any")  # makes the folder
    contents.restore(staging, placement.tablespaces, told)
    if context.cancelled.is_set():
        raise interrupted()
    _take_over(staging, placement)
    placement.prepare()
    placement.finish()
    meter.done()
    return backup.size


def _take_over(staging: Path, placement: Placement) -> None:
    """To the data directory itself, without what is the original's alone; links are made anew later."""
    for name in (*LEFT_OUT, "tablespace_map"):  # with the map PostgreSQL would link to the original's folders
        (staging / name).unlink(missing_ok=True)
    for name in EMPTIED:
        shutil.rmtree(staging / name, ignore_errors=True)
    for oid in placement.tablespaces:
        (staging / TABLESPACES / str(oid)).unlink(missing_ok=True)
    for entry in list(staging.iterdir()):
        entry.rename(placement.directory / entry.name)
    staging.rmdir()
