"""A private copy of an installation of PostgreSQL, with an extension of its own that no package has.

PostgreSQL finds its folders relative to its program, so copied programs read the copy's.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.support.ground import run
from toolchain.postgres import Binaries

EXTENSION = "reforge_catalogue"
_CONTROL = (
    "comment = 'keeps tables of its own'\ndefault_version = '1.0'\nrelocatable = false\nschema = catalogue\n"
)
_SCRIPT = """
CREATE TABLE kinds (id int PRIMARY KEY, label text NOT NULL, builtin boolean NOT NULL DEFAULT false);
CREATE SEQUENCE kinds_id START 1000;
INSERT INTO kinds VALUES (1, 'made by the extension', true);
SELECT pg_catalog.pg_extension_config_dump('kinds', 'WHERE NOT builtin');
SELECT pg_catalog.pg_extension_config_dump('kinds_id', '');
"""


def private_copy(original: Binaries, folder: Path) -> Binaries:
    """Programs copied, libraries and data linked, and ``EXTENSION`` beside the extensions that there are."""
    bindir, shares, libraries = (_configured(original, name) for name in ("bindir", "sharedir", "pkglibdir"))
    root = Path(os.path.commonpath([bindir, shares, libraries]))
    mine = folder / root.parent.name / root.name  # as deep as the original: a wheel's libpq lies beside it
    shutil.copytree(bindir, mine / bindir.relative_to(root))
    for beside in root.parent.parent.glob("*.libs"):
        (folder / beside.name).symlink_to(beside)
    _linked(libraries, mine / libraries.relative_to(root))
    _linked(shares, mine / shares.relative_to(root), apart=("extension",))
    extensions = mine / shares.relative_to(root) / "extension"
    (extensions / f"{EXTENSION}.control").write_text(_CONTROL)
    (extensions / f"{EXTENSION}--1.0.sql").write_text(_SCRIPT)
    return Binaries(mine / bindir.relative_to(root), original.version, "environment")


def _configured(binaries: Binaries, name: str) -> Path:
    return Path(run([str(binaries.tool("pg_config")), f"--{name}"]).strip())


def _linked(source: Path, target: Path, apart: tuple[str, ...] = ()) -> None:
    """A folder of links to the source's entries; those ``apart`` become folders of links themselves."""
    target.mkdir(parents=True)
    for entry in source.iterdir():
        if entry.name in apart:
            _linked(entry, target / entry.name)
        else:
            (target / entry.name).symlink_to(entry.resolve())
