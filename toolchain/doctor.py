"""What ``reforge doctor`` knows of this machine: each thing needed, where it is, what gets it."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from problem import Problem
from toolchain.accounts import server_account
from toolchain.cache import cache_folder
from toolchain.engine import find_engine
from toolchain.go import find_go, go_version
from toolchain.pgbouncer import find_pgbouncer, pgbouncer_version
from toolchain.postgres import CURE as GET_POSTGRES
from toolchain.postgres import Binaries, find_binaries

ENOUGH_DISK = 5 << 30
"""Bytes: a build of the engine takes about 3 GB of Go's caches, a rehearsal about 1 GB."""


@dataclass(frozen=True)
class Finding:
    """One thing that a restore needs of its machine."""

    name: str
    ok: bool
    detail: str
    cure: str = ""
    """The command that mends it; empty where all is well."""


def examine() -> list[Finding]:
    """All findings, in the order in which a person would mend them. Changes nothing, fetches nothing."""
    return [_python(), *_engine(), *_postgres(), _pgbouncer(), _supervisord(), _cache(), _disk()]


def _python() -> Finding:
    return Finding("python", True, f"{platform.python_version()} {sys.executable}")


def _engine() -> Iterator[Finding]:
    engine = find_engine()
    if engine:
        yield Finding("engine", True, f"Pulumi {engine.version} {engine.path} [{engine.description}]")
        return
    yield Finding("engine", False, "no Pulumi engine on PATH or in the cache", "make engine")
    try:
        go = find_go()
    except Problem as problem:
        yield _finding("go", problem)
    else:
        yield Finding("go", True, f"{'.'.join(map(str, go_version(go)))} {go} (builds an engine if need be)")


def _postgres() -> Iterator[Finding]:
    try:
        binaries = find_binaries()
    except Problem as problem:
        yield _finding("postgresql", problem)
        return
    where = f"{binaries.version} {binaries.directory} [{binaries.origin}]"
    if binaries.missing:
        yield Finding("postgresql", False, f"{where} lacks {', '.join(binaries.missing)}", GET_POSTGRES)
    else:
        yield Finding("postgresql", True, where)
    yield from _reachable(binaries)


def _reachable(binaries: Binaries) -> Iterator[Finding]:
    """As root the servers run as another account, which must get to their programs."""
    account = server_account()
    closed = account and _closed_to_others(binaries.directory)
    if account and closed:
        cure = f"chmod o+x {closed}   (or move the repository out of it)"
        yield Finding("server account", False, f"{account.name} may not enter {closed}", cure)
    elif account:
        yield Finding("server account", True, f"servers run as {account.name}, because they refuse root")


def _closed_to_others(directory: Path) -> Path | None:
    """The outermost folder of the path that accounts other than its owner may not pass."""
    folders = [*reversed(directory.resolve().parents), directory.resolve()]
    return next((one for one in folders if not one.stat().st_mode & stat.S_IXOTH), None)


def _pgbouncer() -> Finding:
    try:
        program = find_pgbouncer()
    except Problem as problem:
        return _finding("pgbouncer", problem)
    return Finding("pgbouncer", True, f"{pgbouncer_version(program)} {program}")


def _supervisord() -> Finding:
    found = find_supervisord()
    if found:
        return Finding("supervisord", True, str(found))
    return Finding("supervisord", False, "not found beside this Python or on PATH", "make venv")


def find_supervisord() -> Path | None:
    """supervisord of our own environment, else the system's."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("supervisord", path=places)
    return Path(found) if found else None


def _cache() -> Finding:
    folder = cache_folder()
    existing = _nearest(folder)
    if os.access(existing, os.W_OK | os.X_OK):
        return Finding("cache", True, str(folder))
    cure = f"chown {os.geteuid()} {existing}   (or set REFORGE_CACHE to a folder of yours)"
    return Finding("cache", False, f"{folder}: {existing} is not writable", cure)


def _disk() -> Finding:
    folder = _nearest(cache_folder())
    free = shutil.disk_usage(folder).free
    detail = f"{free / (1 << 30):.1f} GiB free on {folder}"
    if free >= ENOUGH_DISK:
        return Finding("disk", True, detail)
    return Finding("disk", False, detail, f"free some: {ENOUGH_DISK >> 30} GiB are enough for all of Reforge")


def _nearest(folder: Path) -> Path:
    """The folder itself, or its nearest parent that exists."""
    return next(one for one in (folder, *folder.parents) if one.exists())


def _finding(name: str, problem: Problem) -> Finding:
    return Finding(name, False, problem.what, problem.cure)
