"""A container without a runtime: namespaces of its own, the mounts of its pod, and exactly its command.

Started as ``python container.py FOLDER``; FOLDER has ``spec.json`` (argv, env, cwd, mounts, read_only).
Writes the command's PID to ``pid`` and ends as it ends. Killing that PID kills all that it has started.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

NEW_MOUNTS, NEW_PIDS, NEW_USERS = 0x00020000, 0x20000000, 0x10000000
READ_ONLY, REMOUNT, BIND, RECURSIVE, PRIVATE = 0x1, 0x20, 0x1000, 0x4000, 0x40000
DEVICES = ("null", "zero", "full", "random", "urandom")
_LIBC = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    _done(_LIBC.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0) -> None:
    _done(
        _LIBC.mount(source.encode(), target.encode(), kind.encode() or None, flags, None), f"mount {target}"
    )


def _done(code: int, what: str) -> None:
    if code:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def separate() -> None:
    """Namespaces for mounts and processes; for users too, where we are not root."""
    user, group = os.getuid(), os.getgid()
    unshare(NEW_MOUNTS | NEW_PIDS | (NEW_USERS if user else 0))
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    mount("none", "/", flags=RECURSIVE | PRIVATE)


def devices(folder: Path) -> None:
    """A /dev as containers have it, with the file of the termination message."""
    made = folder / "dev"
    made.mkdir()
    mount("tmpfs", str(made), "tmpfs")
    for name in (*DEVICES, "termination-log"):
        (made / name).touch()
        mount(f"/dev/{name}" if name in DEVICES else str(folder / name), str(made / name), flags=BIND)
    (made / "shm").mkdir()
    (made / "stdin").symlink_to("/proc/self/fd/0")
    mount(str(made), "/dev", flags=BIND | RECURSIVE)


def contain(folder: Path, spec: dict[str, Any]) -> None:
    """The rest, as the first process of the new namespace."""
    devices(folder)
    image = os.open(spec["cwd"], os.O_PATH | os.O_DIRECTORY)
    for source, target in spec["mounts"]:
        mount(source, target, flags=BIND)
    if not Path(spec["cwd"]).exists():  # a volume covers the folder that stands for the image, as /tmp may
        Path(spec["cwd"]).mkdir(parents=True)
        mount(f"/proc/self/fd/{image}", spec["cwd"], flags=BIND)
    if spec["read_only"]:
        mount("none", "/", flags=REMOUNT | BIND | READ_ONLY)
    mount("proc", "/proc", "proc")
    os.chdir(spec["cwd"])
    os.execvpe(spec["argv"][0], spec["argv"], spec["env"])  # noqa: S606 - exactly the pod's command


def main(folder: Path) -> int:
    spec = json.loads((folder / "spec.json").read_text())
    separate()
    ready, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.read(ready, 1)  # both share the mounts, which are about to cover the folder
            contain(folder, spec)
        except BaseException as error:
            sys.stderr.write(f"container: {error}\n")
            sys.stderr.flush()
            os._exit(128)
    (folder / "pid.new").write_text(str(child))
    (folder / "pid.new").rename(folder / "pid")
    os.write(write, b"1")
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return 128 - status if status < 0 else status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
