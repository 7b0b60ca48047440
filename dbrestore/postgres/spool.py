"""The folder in which fetched WAL waits for PostgreSQL, and requests for us: two sides, no connection.

``reforge_wal`` in the data directory holds ``bring`` (the restore_command), ``part`` (being fetched),
``ready`` (whole; PostgreSQL takes them by renaming), ``want`` (asked for), ``absent`` (answers
"the archive has none"), ``failed`` (why recovery must not go on) and ``beat``, which changes while we live.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from toolchain.accounts import Account

NAME = "reforge_wal"
COMMAND = f"exec sh {NAME}/bring %f %p"
"""The restore_command; PostgreSQL runs it in its data directory."""
_SCRIPT = Path(__file__).with_name("bring_wal.sh")
_FOLDERS = ("part", "ready", "want", "absent")
_SILENT = 15
"""Seconds without a heartbeat after which ``bring`` may be about to give up, which it does after 30."""


class Spool:
    """Our side of it. Everything in it belongs to the server's account."""

    def __init__(self, data_directory: Path, owner: Account | None) -> None:
        self.folder, self._owner = data_directory / NAME, owner
        self._beats = 0

    @property
    def silent(self) -> bool:
        """Whether an earlier run left it so long ago that the server may just be giving up."""
        try:
            return time.time() - (self.folder / "beat").stat().st_mtime > _SILENT
        except FileNotFoundError:
            return False

    def open(self) -> set[str]:
        """Make it, or go on with one that a killed run left; the names of the files that lie ready.

        Its folders are emptied and not made anew: that run's server may be asking just now.
        """
        self._folder(self.folder)
        for name in _FOLDERS:
            self._folder(self.folder / name)
            if name != "ready":
                for file in os.listdir(self.folder / name):
                    (self.folder / name / file).unlink(missing_ok=True)
        (self.folder / "failed").unlink(missing_ok=True)
        self._write("bring", _SCRIPT.read_text())
        self.beat()
        return self.ready()

    def beat(self) -> None:
        """Show that somebody fetches."""
        self._beats += 1
        self._write("beat", f"{os.getpid()} {self._beats}\n")

    def ready(self) -> set[str]:
        return set(os.listdir(self.folder / "ready"))

    def claim(self) -> list[str]:
        """The names that PostgreSQL asks for; each is told once, and again if it is asked for again."""
        names = os.listdir(self.folder / "want")
        for name in names:
            (self.folder / "want" / name).unlink(missing_ok=True)
        return names

    def place(self, name: str, fetch: Callable[[Path], None]) -> None:
        """Have a file fetched whole, and only then let PostgreSQL see it."""
        part = self.folder / "part" / name
        try:
            fetch(part)
            part.chmod(0o600)
            self._own(part)
            part.rename(self.folder / "ready" / name)
        finally:
            part.unlink(missing_ok=True)

    def tell_absent(self, name: str) -> None:
        self._write(f"absent/{name}", "")

    def tell_failed(self, words: str) -> None:
        self._write("failed", words + "\n")

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _folder(self, path: Path) -> None:
        if path.is_symlink():  # root would write to wherever it leads
            raise FileExistsError(errno.EEXIST, "is a symbolic link", str(path))
        path.mkdir(mode=0o700, exist_ok=True)
        self._own(path)

    def _write(self, name: str, text: str) -> None:
        """Whole or not at all, because a server may be reading it; never through a link that lies there."""
        fresh = self.folder / "part" / ".new"
        fresh.unlink(missing_ok=True)
        with fresh.open("x") as file:
            file.write(text)
        self._own(fresh)
        fresh.rename(self.folder / name)

    def _own(self, path: Path) -> None:
        if self._owner:
            os.chown(path, self._owner.uid, self._owner.gid, follow_symlinks=False)
