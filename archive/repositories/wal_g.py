"""What WAL-G keeps under a prefix: ``wal_005`` is read by us, base backups are unpacked by wal-g itself."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from archive.backups import Backups, BaseBackup, BrokenBackup, segment_size
from archive.formats.delegated import Delegated, Facts
from archive.formats.tree import Tree
from archive.repositories.repository import Repository
from archive.segments import Segment
from archive.stores.opening import store_at
from archive.stores.store import Store, Stored
from archive.tools import followed, installed
from archive.wal import Archive
from problem import Problem
from toolchain.accounts import server_account

_BACKUPS, _WAL = "basebackups_005", "wal_005"
_SENTINEL = "_backup_stop_sentinel.json"
_PREFIXES = {"s3": "WALG_S3_PREFIX", "gs": "WALG_GS_PREFIX", "az": "WALG_AZ_PREFIX"}
"""The variable that tells wal-g where, by the URL's scheme; WALG_FILE_PREFIX is a folder's."""


class WalGContents(Delegated):
    """Unpacked by ``wal-g backup-fetch``, which is configured by its own environment besides the prefix."""

    def __init__(self, tree: Tree, name: str, prefix: Path | str, facts: Facts) -> None:
        super().__init__(tree, "WAL-G", facts)
        self._name, self._prefix = name, prefix

    def restore(
        self, folder: Path, tablespaces: Mapping[int, Path], told: Callable[[float | None], bool]
    ) -> None:
        if tablespaces:
            what = f"The base backup {self._name} has tablespaces, which wal-g would put where they were."
            raise Problem(
                "wal-g-tablespaces", what, "Restore it by hand with wal-g backup-fetch --restore-spec"
            )
        scheme = str(self._prefix).partition("://")[0]
        environment = {**os.environ, _PREFIXES.get(scheme, "WALG_FILE_PREFIX"): str(self._prefix)}
        command = ["wal-g", "backup-fetch", str(folder), self._name]
        with installed("wal-g", "Install it (https://github.com/wal-g/wal-g/releases) and put it on PATH"):
            status, said = followed(command, server_account(), lambda _line: told(None), environment)
        if status:
            raise Problem("wal-g-failed", f"wal-g failed: {said}", f"Try it by hand: {' '.join(command)}")


def look(data_directory: Path | None, options: Mapping[str, Any], *, prefix: Path | str) -> Repository:
    """``prefix``: what stands in wal-g's own WALG_..._PREFIX, a folder or a URL."""
    place = f"{prefix}/{_BACKUPS}"
    backups = store_at(Path(place) if isinstance(prefix, Path) else place, options)
    found = [_described(backups, name, prefix) for name in _names(backups)]
    usable = sorted((one for one in found if isinstance(one, BaseBackup)), key=lambda one: one.stop_lsn)
    broken = tuple(one for one in found if isinstance(one, BrokenBackup))
    wal = f"{prefix}/{_WAL}"
    archive = Archive.scan(store_at(Path(wal) if isinstance(prefix, Path) else wal, options), data_directory)
    return Repository(Backups(str(backups), tuple(usable), broken), archive)


def _names(store: Store) -> Iterator[str]:
    names = (name for name, size in store.entries("") if size is not None and name.endswith(_SENTINEL))
    return (name.removesuffix(_SENTINEL) for name in names)


def _described(store: Store, name: str, prefix: Path | str) -> BaseBackup | BrokenBackup:
    try:
        sentinel = _json(store, f"{name}{_SENTINEL}")
        times = _json(store, f"{name}/metadata.json")
        first = name.removeprefix("base_")[:24]
        start = int(sentinel["LSN"])
        spaces = ((sentinel.get("Spec") or {}).get("tablespaces")) or []
        facts = Facts(
            int(sentinel["PgVersion"]) // 10000,
            int(sentinel["SystemIdentifier"]),
            {int(oid): "" for oid in spaces},
        )
        return BaseBackup(
            name=name,
            contents=WalGContents(Tree(store, name), name, prefix, facts),
            label=name,
            timeline=Segment.parse(first).timeline,
            start_lsn=start,
            stop_lsn=int(sentinel["FinishLSN"]),
            started_at=datetime.fromisoformat(times["start_time"]),
            size=int(sentinel["UncompressedSize"]),
            version_major=facts.version,
            segment_size=segment_size(start, first),
            system_identifier=facts.system_identifier,
            tablespaces=facts.tablespaces,
        )
    except (KeyError, TypeError, ValueError) as error:
        return BrokenBackup(name, f"its sentinel or its metadata.json cannot be understood ({error!r})")
    except FileNotFoundError as error:
        return BrokenBackup(name, f"lacks {error.filename or 'its metadata.json'}")


def _json(store: Store, key: str) -> Any:
    with store.open(Stored(key, 0)) as stream:
        return json.loads(stream.read())
