"""When what was made is on disk: once, at the end, because until then it can be made anew.

A server that nobody relies on yet works without fsync. Killing it loses nothing, since the system keeps
what was written. Only a machine that went down may have lost some of it: the mark names the boot that the
work was done in, and half-made work of another one is not continued.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_GROUP, _GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
_MIB = 1 << 20
_BUFFERS = (128, 1024, 4096)
"""MiB of shared_buffers: at least, at most for a little WAL, and for much, where memory's limit is known.

What replay changes has to fit in: with 512 instead of 1,024 a restore of 2.2 GB and 2 GB of WAL took 9.5 s,
not 6 s. To touch more for the first time costs as well: with 2,240 it took 7.3 s.
"""


def this_boot() -> str:
    """Another text after each start of the machine; empty where the system does not tell."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def sync(folders: Iterable[Path]) -> None:
    """Have the file systems of these folders on disk: one call for each (syncfs(2))."""
    for command in _commands(folders):
        subprocess.run(command, check=True)


def begin_sync(folders: Iterable[Path]) -> Future[None]:
    """``sync`` beside other work, so that the next one finds less.

    Its result has to be asked for: the system tells once, and one alone, what it could not write.
    """
    pool = ThreadPoolExecutor(1)
    begun = pool.submit(sync, folders)
    pool.shutdown(wait=False)
    return begun


def nothing_begun() -> Future[None]:
    """What ``begin_sync`` gives, for a run in which none was begun."""
    done: Future[None] = Future()
    done.set_result(None)
    return done


def _commands(folders: Iterable[Path]) -> list[list[str]]:
    of_each = {folder.stat().st_dev: folder for folder in folders}
    return [["sync", "-f", str(folder)] for folder in of_each.values()]


def hurried(size: int, wal: int, major: int) -> dict[str, str]:
    """What a server recovers with: nothing is durable yet, and the pages that ``wal`` changes stay in memory.

    ``size`` are the bytes of data that were just copied, ``wal`` those that are replayed. While memory still
    holds the data, to ask for pages before they are needed (recovery_prefetch, from version 15 on) is a
    system call for each, and no gain.
    """
    allowed = _allowed()
    room = min(_available(), sys.maxsize if allowed is None else allowed)
    lowest, usual, highest = _BUFFERS
    highest = usual if allowed is None else highest
    buffers = max(lowest, min(room // 4, max(usual, min(highest, wal // _MIB // 2))))
    settings = {"fsync": "off", "autovacuum": "off", "shared_buffers": f"{buffers}MB"}
    if major >= 15 and size < room * _MIB // 2:
        settings["recovery_prefetch"] = "off"
    return settings


def _available() -> int:
    """MiB that the machine has for us; proc(5)."""
    lines = Path("/proc/meminfo").read_text().splitlines() if Path("/proc/meminfo").exists() else []
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) // 1024 if found else 0


def _allowed() -> int | None:
    """MiB that our control groups may use (cgroups(7), memory.max); None where that cannot be told."""
    lines = _GROUP.read_text().splitlines() if _GROUP.exists() else []
    ours = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    if not ours or not (_GROUPS / "cgroup.controllers").exists():
        return None
    own = _GROUPS / ours[0]
    files = [group / "memory.max" for group in (own, *own.parents)]
    limits = [file.read_text().strip() for file in files if file.exists()]
    return min((int(limit) // _MIB for limit in limits if limit != "max"), default=sys.maxsize)
