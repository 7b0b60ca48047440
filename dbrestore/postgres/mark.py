"""The ownership mark: a file in the data directory that says who made it and how far that went.

Deleting and continuing both rest on it: a folder without our mark is never touched.
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from dbrestore.postgres.durability import this_boot
from problem import Refusal

NAME = "reforge-instance.json"
Phase = Literal["copying", "loading", "recovering", "settling", "ready", "deleting"]


@dataclass(frozen=True)
class Mark:
    """What the file holds."""

    urn: str
    identity: str
    directory: str
    until: str
    """The recovery target in words; work towards another target is not continued."""
    phase: Phase = "copying"
    boot: str = ""
    """The machine's boot that the work was done in: before ``ready`` nothing of it need be on disk."""
    serving: bool = False
    port: int = 0
    socket_directory: str = ""
    made_parent: bool = False
    tablespaces: list[str] = field(default_factory=list)
    """Folders beside the data directory that hold its tablespaces, and nothing else."""
    backup: str = ""
    """The base backup that was copied, once it is."""
    beyond: str = ""
    """Of a restore to the latest state: the WAL segment that was still to be archived when it began."""
    reached_lsn: str = ""
    reached_time: str = ""

    def at(self, phase: Phase) -> Mark:
        """The same mark, one phase further."""
        return replace(self, phase=phase)

    @property
    def trusted(self) -> bool:
        """Whether what was made so far is there for certain."""
        return self.phase == "ready" or self.boot == this_boot() != ""

    def write(self) -> Mark:
        """Put it into its data directory, durably."""
        path = Path(self.directory) / NAME
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)  # of a killed run, or a link
        with fresh.open("x") as file:
            json.dump(asdict(self), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
        return self


def new_mark(urn: str, directory: Path, until: str) -> Mark:
    """A mark for a folder that is about to be made."""
    return Mark(urn, uuid.uuid4().hex, str(directory), until, boot=this_boot())


def read_mark(directory: Path) -> Mark | None:
    """The mark in a data directory; None where there is none."""
    try:
        return Mark(**json.loads((directory / NAME).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise Refusal("mark-unreadable", f"{directory / NAME} cannot be read: {error}", _LOOK) from None


def own_mark(directory: Path, urn: str) -> Mark | None:
    """Our mark in a folder; None where the folder does not exist.

    Refusal ``not-ours`` where the folder is somebody else's: no mark, another resource's mark, a mark
    that was copied along from elsewhere, or a symbolic link.
    """
    if directory.is_symlink():
        raise Refusal("not-ours", f"{directory} is a symbolic link; Reforge makes its own folders.", _LOOK)
    if not directory.exists():
        return None
    mark = read_mark(directory) if directory.is_dir() else None
    if mark is None:
        if directory.is_dir() and not any(directory.iterdir()):
            return None
        raise Refusal("not-ours", f"{directory} exists and was not made by Reforge.", _LOOK)
    if mark.urn != urn or Path(mark.directory) != directory:
        owner = mark.urn.rsplit("::", 1)[-1]
        what = f"{directory} carries the mark of {owner!r} in {mark.directory}, not of this restore."
        raise Refusal("not-ours", what, _LOOK)
    return mark


_LOOK = "Nothing was touched. Look at it, then move it away or give the restore another name."
