"""The ledger of acknowledged writes, and its reconciliation with a restored database.

The ledger is a file outside the database, one JSON object a line, each in the file before its
client goes on. Reconciling asks of every write whether it was committed before the recovery target:

* by transaction id: the target's own transaction, which an inclusive target keeps;
* by LSN: the API took WAL insert positions before and after the commit. Committed before the target
  where the later one does not pass it; after it where the earlier one has passed it. The commit
  record lies between the two, so where the target does too, the LSN does not decide;
* by time, on the one clock of this machine: acknowledged before the target's instant, or sent after
  it. In between, the time does not decide.

What nothing decides is ``undecided``: such a write may be there or not, and both are right.
Recovery stops by the order of commits, not of transaction ids (PostgreSQL manual, 20.5.6), so a
smaller transaction id says nothing: give the LSN of the target transaction's commit too.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

import psycopg

from archive.lsn import parse_lsn
from problem import Misuse

Side = Literal["before", "after", "undecided"]


@dataclass(frozen=True)
class Entry:
    """One acknowledged write."""

    key: str
    """The client's own, unique key of the row."""
    table: str
    id: int
    started_at: datetime
    """Sent by the client."""
    acknowledged_at: datetime
    """The answer was with the client: committed before."""
    server: int | None = None
    """Port of the PostgreSQL instance that took it."""
    xid: str | None = None
    lsn_before: str | None = None
    """WAL insert position after the row was written and before its commit."""
    lsn_after: str | None = None
    """WAL insert position after its commit, of the same server."""

    @classmethod
    def acknowledged(cls, key: str, start: float, end: float, answer: dict[str, Any]) -> Self:
        """The write of ``key``, from Unix times and the API's answer."""
        sent, got = (datetime.fromtimestamp(at, UTC) for at in (start, end))
        learnt = {name: answer.get(name) for name in ("server", "xid", "lsn_before", "lsn_after")}
        return cls(key, "hero_snapshots", int(answer["id"]), sent, got, **learnt)

    def line(self) -> str:
        return json.dumps(asdict(self), default=lambda at: at.isoformat()) + "\n"


class Ledger:
    """Appends entries from any thread; an entry is in the file when ``add`` returns."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)
        self._lock = threading.Lock()

    def add(self, entry: Entry) -> None:
        with self._lock:
            self._file.write(entry.line())

    def close(self) -> None:
        with self._lock:
            self._file.close()


def read_ledger(path: Path) -> Iterator[Entry]:
    """The entries of a file; a last line that is still being written is left out."""
    with path.open() as file:
        for line in file:
            if line.endswith("\n"):
                fields = json.loads(line)
                for name in ("started_at", "acknowledged_at"):
                    fields[name] = datetime.fromisoformat(fields[name])
                yield Entry(**fields)


@dataclass(frozen=True)
class Instant:
    """A recovery target, by whatever is known of it; the more, the fewer writes stay undecided."""

    time: datetime | None = None
    lsn: str | None = None
    xid: str | None = None
    inclusive: bool = True
    """Of ``xid``: whether that transaction itself is restored."""

    def __post_init__(self) -> None:
        if self.time is not None and self.time.tzinfo is None:
            raise Misuse("time-without-zone", f"The target time {self.time} has no zone.", "Give it in UTC.")

    def side(self, entry: Entry) -> Side:
        """On which side of the target the entry was committed."""
        if self.xid is not None and entry.xid == self.xid:
            return "before" if self.inclusive else "after"
        by_lsn = self._by_lsn(entry)
        return by_lsn if by_lsn != "undecided" else self._by_time(entry)

    def _by_lsn(self, entry: Entry) -> Side:
        if self.lsn is None:
            return "undecided"
        target = parse_lsn(self.lsn)
        if entry.lsn_after is not None and parse_lsn(entry.lsn_after) <= target:
            return "before"
        if entry.lsn_before is not None and parse_lsn(entry.lsn_before) > target:
            return "after"
        return "undecided"

    def _by_time(self, entry: Entry) -> Side:
        if self.time is None:
            return "undecided"
        if entry.acknowledged_at < self.time:
            return "before"
        return "after" if entry.started_at > self.time else "undecided"


@dataclass(frozen=True)
class Reconciled:
    """What the ledger and a restored database say of each other."""

    acknowledged_before_target: int
    missing: tuple[str, ...]
    """Keys acknowledged before the target that the restored database lacks."""
    intruding: tuple[str, ...]
    """Keys written after the target that it holds."""
    undecided: int

    def report(self) -> dict[str, int]:
        """The counts, by their names in the rehearsal's report."""
        return {
            "acknowledged_before_target": self.acknowledged_before_target,
            "missing_after_restore": len(self.missing),
            "present_from_after_target": len(self.intruding),
            "undecided": self.undecided,
        }


def reconcile(ledger: Path, url: str, target: Instant, server: int | None = None) -> Reconciled:
    """Compare the ledger with the database at ``url``, restored to ``target``.

    ``server``: the port of the damaged instance. Only what that one acknowledged counts then, so that
    writes which a restored instance has taken since its cut-over do not. OperationalError of psycopg
    where the database cannot be reached.
    """
    entries = [entry for entry in read_ledger(ledger) if server in (None, entry.server)]
    with psycopg.connect(url, prepare_threshold=None) as connection:
        connection.read_only = True
        present = {str(key) for (key,) in connection.execute("SELECT key FROM hero_snapshots")}
    return compare(entries, present, target)


def compare(entries: Iterable[Entry], present: set[str], target: Instant) -> Reconciled:
    """``reconcile`` on what was read: ``present`` holds the keys of the restored database."""
    sides: dict[Side, list[str]] = {"before": [], "after": [], "undecided": []}
    for entry in entries:
        sides[target.side(entry)].append(entry.key)
    missing = tuple(key for key in sides["before"] if key not in present)
    intruding = tuple(key for key in sides["after"] if key in present)
    return Reconciled(len(sides["before"]), missing, intruding, len(sides["undecided"]))
