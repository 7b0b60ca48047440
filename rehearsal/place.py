"""Finds a folder for the site that the servers' account can reach."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from problem import Problem
from toolchain.accounts import Account, popen_as

SOCKET_LIMIT = 107
"""Bytes of a unix socket's path (unix(7))."""
_LONGEST = len("/app/supervisor.sock.99999999")


def choose(home: Path, who: Account | None) -> Path:
    """Make the site's folder: ``home``/site where ``who`` can reach it, else one for temporary files.

    As root, a clone under /root cannot be reached by the account that PostgreSQL runs as.
    Problem ``no-place`` where none can be used.
    """
    near = home / "site"
    near.mkdir(parents=True, exist_ok=True)
    if usable(near, who):
        return near
    near.rmdir()
    for base in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):  # noqa: S108 - mkdtemp in it
        folder = Path(tempfile.mkdtemp(prefix="reforge-rehearsal-", dir=base)).resolve()
        folder.chmod(0o755)
        if usable(folder, who):
            return folder
        folder.rmdir()
    what = f"Neither {near} nor a temporary folder can be reached by the servers' account."
    raise Problem("no-place", what, "Set TMPDIR to a folder that other accounts may enter.")


def usable(folder: Path, who: Account | None) -> bool:
    """Whether ``who`` can enter the folder, and sockets fit into it."""
    if len(str(folder)) + _LONGEST > SOCKET_LIMIT:
        return False
    return subprocess.run(["test", "-x", folder], cwd="/", check=False, **popen_as(who)).returncode == 0
