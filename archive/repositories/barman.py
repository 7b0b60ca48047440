"""What Barman keeps of a server, by its folders alone (Barman manual, "Catalog usage").

``base/ID/backup.info`` tells of a backup whose files lie in ``base/ID/data``; ``wals`` has the segments in
folders, compressed or not. With backup_method = postgres the files have a manifest, with rsync none: then the
names and sizes that lie there are taken for the right ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from archive.backups import Backups, BaseBackup, BrokenBackup, contents_of, read_backup
from archive.formats.contents import MANIFEST, Contents
from archive.formats.plain import Plain
from archive.formats.tree import Tree
from archive.repositories.repository import Repository
from archive.stores.folder import FolderStore
from archive.wal import Archive
from problem import Problem

_DONE = "DONE"


class Unlisted(Plain):
    """A plain backup without a manifest: one is made of what lies there and of Barman's own facts."""

    form = "plain, without checksums"

    def __init__(self, tree: Tree, facts: Mapping[str, str]) -> None:
        super().__init__(tree)
        self._facts = facts

    def read(self, name: str) -> bytes:
        return self._manifest() if name == MANIFEST else super().read(name)

    def _manifest(self) -> bytes:
        begun = datetime.fromisoformat(self._facts["begin_time"]).astimezone(UTC)
        files = [
            {"Path": name, "Size": size, "Last-Modified": f"{begun:%Y-%m-%d %H:%M:%S} GMT"}
            for name, size in self.sizes().items()
        ]
        wal = {
            "Timeline": int(self._facts["timeline"]),
            "Start-LSN": self._facts["begin_xlog"],
            "End-LSN": self._facts["end_xlog"],
        }
        text = json.dumps({"Files": files, "WAL-Ranges": [wal]}).removesuffix("}") + ", "
        checksum = hashlib.sha256(text.encode()).hexdigest()
        return f'{text}"Manifest-Checksum": "{checksum}"}}'.encode()


def look(data_directory: Path | None, _options: Mapping[str, Any], *, home: Path, server: str) -> Repository:
    """``home``: barman_home of its configuration."""
    base = home / server / "base"
    if not base.is_dir():
        what = f"There is no folder {base}, in which Barman would keep the backups of {server}."
        raise Problem("backups-unreadable", what, "Compare home and server with: barman show-servers all")
    found = [_read(base, name) for name in sorted(path.parent.name for path in base.glob("*/backup.info"))]
    usable = sorted((one for one in found if isinstance(one, BaseBackup)), key=lambda one: one.stop_lsn)
    broken = tuple(one for one in found if isinstance(one, BrokenBackup))
    archive = Archive.scan(FolderStore(home / server / "wals"), data_directory)
    return Repository(Backups(str(base), tuple(usable), broken), archive)


def _read(base: Path, name: str) -> BaseBackup | BrokenBackup:
    try:
        lines = (base / name / "backup.info").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        return BrokenBackup(name, f"its backup.info cannot be read: {error.strerror}")
    facts = dict(line.partition("=")[::2] for line in lines)
    if facts.get("status") != _DONE:
        return BrokenBackup(name, f"its status is {facts.get('status') or 'unknown'} and not {_DONE}")
    found = read_backup(name, partial(_contents, FolderStore(base / name), facts))
    label = facts.get("backup_name")
    return (
        replace(found, label=label)
        if isinstance(found, BaseBackup) and label not in (None, "None")
        else found
    )


def _contents(store: FolderStore, facts: Mapping[str, str]) -> Contents:
    tree = Tree(store, "data")
    contents = contents_of(tree) if MANIFEST in tree.top else Unlisted(tree, facts)
    if facts.get("tablespaces", "None") not in ("None", "[]", "") and not contents.tablespaces():
        raise ValueError(
            "has tablespaces beside its data, as rsync keeps them; take it with backup_method = postgres"
        )
    return contents
