"""A pgBackRest repository, read through pgbackrest itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archive.pgbackrest.backups import stanza_backups
from archive.pgbackrest.program import PgBackRest
from archive.pgbackrest.store import PgBackRestStore
from archive.repositories.repository import Repository
from archive.wal import Archive
from toolchain.accounts import server_account


def look(
    data_directory: Path | None, _options: Mapping[str, Any], *, stanza: str, config: Path, repo: int = 1
) -> Repository:
    """``config``: pgbackrest's configuration file, which says where the repository is."""
    program = PgBackRest(stanza, config, repo, server_account())
    backups, identity = stanza_backups(program)
    store = PgBackRestStore(program, f"archive/{stanza}/{identity}")
    return Repository(backups, Archive.scan(store, data_directory))
