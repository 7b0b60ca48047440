"""Finds pgbouncer: on PATH, or in /usr/sbin, which an ordinary user's PATH may lack."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from problem import Problem

CURE = (
    "Get it: make servers as root   (or install the package pgbouncer; REFORGE_PGBOUNCER names another place)"
)
_PLACES = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin")


def find_pgbouncer() -> Path:
    """The program; Problem ``pgbouncer-missing`` with the command that gets it where there is none."""
    chosen = os.environ.get("REFORGE_PGBOUNCER")
    path = os.pathsep.join([os.environ.get("PATH", ""), *_PLACES])
    found = shutil.which(chosen or "pgbouncer", path=path)
    if not found:
        where = f"at {chosen} (REFORGE_PGBOUNCER)" if chosen else "on this machine"
        raise Problem("pgbouncer-missing", f"pgbouncer was not found {where}.", CURE)
    return Path(found)


def pgbouncer_version(program: Path) -> str:
    """ "1.18.0"; "unknown" where it does not say."""
    ran = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20)
    said = re.search(r"PgBouncer (\d+(?:\.\d+)+)", ran.stdout + ran.stderr, re.IGNORECASE)
    return said[1] if said else "unknown"
