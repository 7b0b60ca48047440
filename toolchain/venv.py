"""Makes .venv from requirements.lock, every digest checked, and remakes it when the lock changes.

Run by the Makefile with the system's Python 3.11 or newer: the standard library only. The stamp in
the environment is written last, so one that was not finished is made anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = "requirements.lock"


def ensure_venv(root: Path) -> bool:
    """Have a finished environment of this lock; True if it had to be made. Raises CalledProcessError."""
    if is_made(root):
        return False
    with (root / LOCK).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second make waits here, and then finds it made
        if is_made(root):
            return False
        make(root)
    return True


def is_made(root: Path) -> bool:
    """Whether the environment there was finished, from this lock, by this Python, in this place."""
    stamp = root / ".venv" / ".made-from"
    return stamp.exists() and stamp.read_text() == digest(root)


def digest(root: Path) -> str:
    """What the environment depends on. Its scripts hold its path, so the place is part of that."""
    parts = [sys.version, str(root), *((root / name).read_text() for name in (LOCK, "pyproject.toml"))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def make(root: Path) -> None:
    """Make it anew: our dependencies with their digests, then Reforge itself as a link to this folder."""
    folder = root / ".venv"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input"]
    pip.append("--disable-pip-version-check")
    subprocess.run([*pip, "--require-hashes", "-r", str(root / LOCK)], check=True)
    subprocess.run([*pip, "--no-build-isolation", "--no-deps", "-e", str(root)], check=True)
    (folder / ".made-from").write_text(digest(root))


def main() -> int:
    """Progress on stderr; pip's own words where it fails."""
    if importlib.util.find_spec("ensurepip") is None:
        print(
            "This Python cannot make an environment. Get the rest: apt-get install python3-venv",
            file=sys.stderr,
        )
        return 1
    if not is_made(ROOT):
        print("making .venv from requirements.lock (usually less than a minute)", file=sys.stderr)
    try:
        ensure_venv(ROOT)
    except subprocess.CalledProcessError as failed:
        print(f"making .venv failed: {failed}\nOnce that is mended: make venv", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
