"""The processes of a rehearsal's site: started with a mark, found by it, and ended by nothing else.

Every process is started with two environment variables, the site's folder and its role, and its
children inherit them. So a later run finds what an earlier one left, even where that was killed
before it could note anything; and no process without the mark is ever signalled. Instances of
PostgreSQL that others started in the site's folder (the restored ones) are known by their
postmaster.pid and by working in that very data directory.

Reads /proc: Linux only. Signals go through a pidfd, so that a reused pid is never hit.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from problem import Problem
from toolchain.accounts import Account, popen_as

SITE, ROLE = "REFORGE_REHEARSAL_SITE", "REFORGE_REHEARSAL_ROLE"
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Mark:
    """The mark of one process."""

    folder: Path
    role: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """A small environment with the mark in it; no PGHOST or the like of the user gets through."""
        ours = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return {**ours, **self.variables, SITE: str(self.folder), ROLE: self.role}


def launch(mark: Mark, command: Sequence[str], log: Path, who: Account | None) -> subprocess.Popen[bytes]:
    """Start a server in its own session: the terminal's Ctrl-C is for the rehearsal, not for it."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=log.parent,
            env=mark.environment(),
            start_new_session=True,
            **popen_as(who),
        )


def wait_ready(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path, limit: float) -> None:
    """Return once ``ready``; Problem ``rehearsal-not-up`` where the process ends or ``limit`` s pass."""
    end = time.monotonic() + limit
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
            why = "ended" if process.poll() is not None else f"was not ready within {limit:g} s"
            raise Problem("rehearsal-not-up", f"{process.args!r} {why}: {tail}", f"Read {log}, run it again.")
        time.sleep(0.02)


def marked(folder: Path, roles: Iterable[str] | None = None) -> list[int]:
    """Pids of the living processes with the mark of this folder (and one of the roles)."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    wanted = None if roles is None else set(roles)
    return [pid for pid in pids if _bears(pid, folder, wanted)]


def postmasters(folder: Path) -> list[int]:
    """Pids of the PostgreSQL instances whose data directory lies in this folder."""
    # os.walk passes over a folder that goes while it is read; Path.rglob fails on it.
    places = (place for place, _, names in os.walk(folder) if "postmaster.pid" in names)
    found = (_postmaster(Path(place, "postmaster.pid")) for place in places)
    return [pid for pid in found if pid is not None]


def end(pids: Callable[[], list[int]], signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal to what ``pids`` finds, and wait its seconds, until nothing is found any more.

    ``pids`` is asked again once a pidfd is held: a pid that changed hands in between is let go.
    """
    for number, patience in signals:
        handles = _handles(pids)
        for handle in handles:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
        _wait(handles, patience)
        if not pids():
            return


def _handles(pids: Callable[[], list[int]]) -> list[int]:
    handles = {}
    for pid in pids():
        with suppress(ProcessLookupError):
            handles[pid] = os.pidfd_open(pid)
    still = set(pids())
    for pid in handles.keys() - still:
        os.close(handles.pop(pid))
    return list(handles.values())


def _wait(handles: list[int], patience: float) -> None:
    deadline = time.monotonic() + patience
    for handle in handles:
        select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
        os.close(handle)


def _bears(pid: int, folder: Path, roles: set[str] | None) -> bool:
    try:
        block = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # gone, or another user's: not ours
        return False
    pairs = (entry.partition(b"=") for entry in block.split(b"\0"))
    values = {name: os.fsdecode(value) for name, _, value in pairs}
    return values.get(SITE.encode()) == str(folder) and (roles is None or values.get(ROLE.encode()) in roles)


def _postmaster(file: Path) -> int | None:
    try:
        pid = int(file.read_text().split()[0])
        works_there = Path(f"/proc/{pid}/cwd").resolve(strict=True) == file.parent.resolve()
    except (OSError, ValueError, IndexError):
        return None
    return pid if works_there else None
