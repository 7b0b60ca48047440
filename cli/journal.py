"""The journal of a stack: every run of a stage, one JSON line when it begins, moves and ends.

A run without an end was killed; its entry has the command that goes on with it.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass
class Run:
    """One run of a command that changes something."""

    stage: str
    command: str
    by: str
    begun: str
    pid: int
    subject: str = ""
    born: str = ""
    """When that process started, as the kernel counts it: a pid is given to another one some day."""
    engine: int = 0
    """Process id of the engine while it works."""
    engine_born: str = ""
    state: str = ""
    """How it ended: a named state; empty while it runs or where it was killed."""
    ended: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def alive(self) -> bool:
        """Whether the command or its engine still works."""
        ours = ((self.pid, self.born), (self.engine, self.engine_born))
        return not self.state and any(pid and _lives(pid, born) for pid, born in ours)

    @property
    def killed(self) -> bool:
        """Whether it ended without saying how."""
        return not self.state and not self.alive


class Journal:
    """Appends to and reads the journal's file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def runs(self) -> list[Run]:
        """Every run so far, oldest first. A last line that was cut short is passed over."""
        found: list[Run] = []
        for entry in self._entries():
            event = entry.pop("event")
            if event == "begin":
                known = {name: value for name, value in entry.items() if name in Run.__dataclass_fields__}
                found.append(Run(**known))
            elif found:
                facts = entry.pop("facts", {})
                found[-1].facts.update(facts)
                for name, value in entry.items():
                    setattr(found[-1], name, value)
        return found

    def last(self) -> Run | None:
        """The newest run."""
        found = self.runs()
        return found[-1] if found else None

    def begin(self, stage: str, subject: str, command: str) -> None:
        """A run starts."""
        import getpass

        pid = os.getpid()
        run = Run(stage, command, getpass.getuser(), _now(), pid, subject, _born(pid))
        names = ("stage", "command", "by", "begun", "pid", "subject", "born")
        self._append({"event": "begin", **{name: getattr(run, name) for name in names}})

    def engine(self, pid: int) -> None:
        """Its engine works."""
        self._append({"event": "engine", "engine": pid, "engine_born": _born(pid)})

    def note(self, **facts: Any) -> None:
        """Something later stages need to know."""
        self._append({"event": "note", "facts": facts})

    def end(self, state: str, **facts: Any) -> None:
        """It has ended in a named state."""
        self._append({"event": "end", "state": state, "ended": _now(), "facts": facts})

    def fact(self, name: str) -> Any:
        """The newest value noted under a name; None where there is none."""
        return next((run.facts[name] for run in reversed(self.runs()) if name in run.facts), None)

    def _append(self, entry: dict[str, Any]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            # A line that a killed run left half written must not spoil this one.
            file.seek(max(file.seek(0, os.SEEK_END) - 1, 0))
            cut = file.read(1) not in (b"", b"\n")
            file.write((("\n" if cut else "") + json.dumps(entry, default=str) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())

    def _entries(self) -> list[dict[str, Any]]:
        try:
            lines = self.path.read_text().splitlines()
        except FileNotFoundError:
            return []
        return [entry for line in lines if (entry := _parsed(line))]


def typed_command(stream: str = "") -> str:
    """What the user typed but for project, stack and the like, to be shown as the command that goes on.

    ``stream``: the file of what came on stdin, which does not come twice.
    """
    import shlex

    from cli.masking import masked

    words = sys.argv[1:]
    while words and words[0].startswith("-"):
        words = words[2 if words[0] in _BEFORE_A_VALUE else 1 :]
    if stream:
        words = [re.sub(r"^(--dump=)?-$", lambda dash: (dash[1] or "") + stream, word) for word in words]
    return masked(shlex.join(["reforge", *words]))


_BEFORE_A_VALUE = ("--project", "-C", "--stack", "-s")


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and "event" in entry else None


def _lives(pid: int, born: str) -> bool:
    """Whether the process that had this pid then has it still, and has not ended."""
    now = _born(pid)
    return bool(now) and born in ("", now)


def _born(pid: int) -> str:
    """A living process's start in ticks since boot (proc(5), stat: starttime); empty for one that ended."""
    try:
        values = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return ""
    return "" if values[0] == "Z" else values[19]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
