"""The base backups of a stanza, as ``pgbackrest info`` lists them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from archive.backups import Backups, BaseBackup, BrokenBackup, segment_size
from archive.formats.delegated import Delegated, Facts
from archive.formats.tree import Tree
from archive.lsn import parse_lsn
from archive.pgbackrest.program import PgBackRest
from archive.pgbackrest.store import PgBackRestStore
from problem import listed

_SHARE = re.compile(r", (\d+(?:\.\d+)?)%\)")
"""How far a restore is, in its lines about single files."""


class PgBackRestContents(Delegated):
    """Restored by ``pgbackrest restore``, which compares each file's checksum."""

    def __init__(self, program: PgBackRest, label: str, kind: str, facts: Facts) -> None:
        tree = Tree(PgBackRestStore(program, f"backup/{program.stanza}"), label)
        super().__init__(tree, f"pgBackRest, {kind}", facts)
        self._program, self._label = program, label

    def restore(
        self, folder: Path, tablespaces: Mapping[int, Path], told: Callable[[float | None], bool]
    ) -> None:
        def line(text: str) -> bool:
            match = _SHARE.search(text)
            return told(float(match[1]) / 100 if match else None)

        maps = [f"--tablespace-map={oid}={path}" for oid, path in tablespaces.items()]
        self._program.restore(self._label, folder, maps, line)


def stanza_backups(program: PgBackRest) -> tuple[Backups, str]:
    """The backups of the stanza's present database, and the identity of its WAL, such as 15-1.

    Those of a database before an upgrade are told as unusable: their WAL is another archive. Problem
    ``pgbackrest-failed`` where the stanza cannot be read.
    """
    info = program.info()
    database = max(
        (one for one in info["db"] if one["repo-key"] == program.repo), key=lambda one: int(one["id"])
    )
    ours = [one for one in info["backup"] if one["database"]["repo-key"] == program.repo]
    present = [one for one in ours if one["database"]["id"] == database["id"]]
    usable = sorted((_described(program, one, database) for one in present), key=lambda one: one.stop_lsn)
    former = tuple(
        BrokenBackup(
            str(one["label"]), "is of the database before an upgrade, and so is the WAL that it needs"
        )
        for one in ours
        if one not in present
    )
    return Backups(str(program), tuple(usable), former), f"{database['version']}-{database['id']}"


def _described(program: PgBackRest, backup: Mapping[str, Any], database: Mapping[str, Any]) -> BaseBackup:
    label, first = str(backup["label"]), str(backup["archive"]["start"])
    start = parse_lsn(backup["lsn"]["start"])
    details = _details(program, label)
    spaces = {int(one["oid"]): str(one["destination"]) for one in details.get("tablespace") or ()}
    wrong = listed(details.get("error-list") or (), most=3)
    facts = Facts(int(str(database["version"]).split(".")[0]), int(database["system-id"]), spaces)
    return BaseBackup(
        name=label,
        contents=PgBackRestContents(program, label, str(backup["type"]), facts),
        label=label,
        timeline=int(first[:8], 16),
        start_lsn=start,
        stop_lsn=parse_lsn(backup["lsn"]["stop"]),
        started_at=datetime.fromtimestamp(backup["timestamp"]["start"], UTC),
        size=int(backup["info"]["size"]),
        version_major=facts.version,
        segment_size=segment_size(start, first),
        system_identifier=facts.system_identifier,
        tablespaces=spaces,
        flaw=f"pgbackrest found pages with wrong checksums in {wrong}" if backup.get("error") else "",
    )


def _details(program: PgBackRest, label: str) -> Mapping[str, Any]:
    found = program.info(label)["backup"]
    return next((one for one in found if one["label"] == label), {})
