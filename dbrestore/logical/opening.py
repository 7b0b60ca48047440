"""A dump by its place: a path of this machine or a URL; its kind, its contents, whether it is whole."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from dbrestore.handler import Context
from dbrestore.logical import needs
from dbrestore.logical.data import Data
from dbrestore.logical.entries import Entry
from dbrestore.logical.options import Options
from dbrestore.logical.plain import plain_dump
from dbrestore.logical.reading import Dump, archive_of, recognise
from dbrestore.logical.selection import select
from problem import Problem
from toolchain.postgres import Binaries, installations


def open_dump(path: Path, context: Context) -> Dump:
    """What lies there. Problem ``dump-missing``, ``-unreadable``, ``-unknown``, ``-truncated``, ``-damaged``
    or ``dump-too-new``.
    """
    kind = recognise(path)
    if kind == "plain":
        return plain_dump(path, context)
    dump = archive_of(path, kind)
    Data(dump).check()
    return dump


def chosen(dump: Dump, options: Options, context: Context) -> Sequence[Entry]:
    """The entries to restore; what a selection leaves out is told."""
    entries, notes = select(dump, options)
    for note in notes:
        context.progress(note)
    return entries


def binaries_for(dump: Dump, known: Callable[[], Sequence[Binaries]] = installations) -> Binaries:
    """The nearest installation that is not older than the dump's server and reads its format.

    Problem ``dump-newer`` that names the version needed where there is none.
    """
    needed = dump.header.needed
    fitting = [one for one in known() if one.major >= needed]
    if not fitting:
        here = ", ".join(sorted({one.version for one in known()})) or "none"
        what = f"The dump {dump.place} needs PostgreSQL {needed} or newer; this machine has {here}."
        raise Problem("dump-newer", what, f"Install PostgreSQL {needed}, then run the same command again.")
    # The list is best first, and a stable sort keeps that among installations of one major version.
    return min(fitting, key=lambda one: one.major)


def require_installed(entries: Sequence[Entry], binaries: Binaries) -> None:
    """Refusal ``extensions-missing`` for what an installation does not have, before a server runs."""
    wanted = needs.extensions(entries)
    if not wanted:
        return
    share = subprocess.run(
        [str(binaries.tool("pg_config")), "--sharedir"], capture_output=True, text=True, check=False
    ).stdout.strip()
    have = {path.stem for path in Path(share, "extension").glob("*.control")}
    needs.require_extensions(entries, have, binaries)
