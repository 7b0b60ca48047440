"""This machine as far as we may look: processes by /proc, files, folders of units."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
UNITS = ("etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system")
"""Where units that somebody wrote for this machine lie; packages' own are elsewhere."""


@dataclass(frozen=True)
class Process:
    """A running process by its command line, which everybody may read."""

    pid: int
    arguments: tuple[str, ...]

    @property
    def program(self) -> str:
        return Path(self.arguments[0]).name

    @property
    def folder(self) -> Path | None:
        """Its working folder; None where we may not look."""
        try:
            return (PROC / str(self.pid) / "cwd").readlink()
        except OSError:
            return None

    def resolve(self, path: str) -> Path | None:
        """A path of its command line; None for a relative one where its folder is not known."""
        if path.startswith("/"):
            return Path(path)
        return self.folder / path if self.folder else None


@dataclass(frozen=True)
class Machine:
    """``root`` is where the system's folders begin."""

    root: Path = Path("/")

    def processes(self) -> Iterator[Process]:
        """Every process that has a command line."""
        for entry in PROC.iterdir():
            if entry.name.isdigit():
                try:
                    line = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                words = tuple(word.decode(errors="replace") for word in line.rstrip(b"\0").split(b"\0"))
                if words[0]:
                    yield Process(int(entry.name), words)

    def units(self) -> Iterator[Path]:
        """Service units and their drop-ins."""
        for place in UNITS:
            yield from sorted((self.root / place).glob("*.service"))
            yield from sorted((self.root / place).glob("*.service.d/*.conf"))

    def at(self, place: str) -> Path:
        """A folder of the system."""
        return self.root / place.lstrip("/")


def text_of(path: Path) -> str | None:
    """A file's text; None where it is not there or not for us."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return None


def system_identifier(data_directory: Path) -> int | None:
    """Which cluster a data directory or plain backup is: the first field of pg_control; None unread."""
    try:
        with (data_directory / "global" / "pg_control").open("rb") as file:
            return int(struct.unpack("=Q", file.read(8))[0])
    except (OSError, struct.error):
        return None
