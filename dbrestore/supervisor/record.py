"""The durable record of a group: which processes ran before we touched any.

It is on disk before the first process is stopped, so that a killed apply never takes its own half-stopped
group for the original.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from dbrestore import files
from dbrestore.supervisor.client import ALIVE
from problem import Problem


@dataclass(frozen=True)
class Record:
    """``standing`` is the last wish fulfilled, ``towards`` the one at work ("" when none is)."""

    group: str
    original: tuple[str, ...]
    states: dict[str, str]
    """Every process's state when ``original`` was taken."""
    recorded_at: str
    standing: str = ""
    towards: str = ""

    def begin(self, desired: str) -> Record:
        return replace(self, towards=desired)

    def fulfil(self) -> Record:
        return replace(self, standing=self.towards, towards="")

    @property
    def may_be_renewed(self) -> bool:
        """Only when all of the original runs, and nothing is half done, does the present tell of it."""
        return self.standing == "all" and not self.towards


def taken(group: str, states: dict[str, str]) -> Record:
    """A record of the present: what is alive is the original."""
    original = tuple(sorted(name for name, state in states.items() if state in ALIVE))
    return Record(group, original, dict(states), datetime.now(UTC).isoformat(timespec="seconds"))


class RecordFile:
    """The file of one group's record in the folder ``folder``."""

    def __init__(self, folder: Path, group: str) -> None:
        self.path = folder / f"supervisor-{group.replace('/', '_')}.json"

    def load(self) -> Record | None:
        """The record, or None; Problem "record-unreadable" where the file is not one."""
        if not self.path.exists():
            return None
        try:
            values = json.loads(files.read(self.path))
            return Record(**{**values, "original": tuple(values["original"])})
        except (ValueError, TypeError, KeyError) as error:
            what = f"{self.path} does not hold a record of a program group: {error}."
            cure = "Start by hand what ran before, remove that file, then run the same command again."
            raise Problem("record-unreadable", what, cure) from error

    def save(self, record: Record) -> Record:
        """Put the record on disk, whole and synced, before anything it speaks of happens."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            what = f"The folder {self.path.parent} for records cannot be made: {error.strerror}."
            raise Problem("record-unwritable", what, "Make it writable, then run again.") from error
        files.replace(self.path, json.dumps(asdict(record), indent=1).encode())
        return record

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
