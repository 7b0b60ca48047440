"""What find found, in lines for people."""

from __future__ import annotations

from datetime import datetime, timedelta

from archive.lsn import format_lsn
from archive.targets import utc
from dbrestore.progress import size
from finding.answer import Answer, Effort
from finding.transactions import Ending

_EVIDENCE = {
    "wal": "read in the WAL",
    "asked": "a throw-away restore was asked just before it and just after",
}


def lines(found: Answer, now: datetime) -> list[str]:
    """The moment, the deed, how it is known and what it cost, each with its label."""
    commit = found.commit
    local = commit.time.astimezone()
    labelled = [
        ("transaction", str(commit.xid)),
        ("committed", f"{utc(commit.time)}, {age(now - commit.time)}"),
        ("local time", f"{local:%Y-%m-%d %H:%M:%S %Z (UTC%z)}"),
        ("LSN", f"{format_lsn(commit.lsn)}, timeline {found.timeline}"),
        *(("did", line) for line in found.deeds.words()),
        ("last good", _last_good(found.before)),
        ("known by", _EVIDENCE[found.evidence]),
        ("searched to", f"the commit of {utc(found.last.time)}"),
        ("effort", _effort(found.effort)),
    ]
    if found.between:
        labelled.append(("undecided", f"{found.between} commits before it, while the table was locked"))
    return [f"  {label + ':':<13}{text}" for label, text in labelled]


def age(passed: timedelta) -> str:
    """How long ago, in two units at most: "2 h 13 min ago"."""
    left = max(0, int(passed.total_seconds()))
    parts: list[str] = []
    for unit, seconds in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, seconds)
        if count or parts or unit == "s":
            parts.append(f"{count} {unit}")
    first, second = (*parts[:2], "")[:2]
    return f"{first} ago" if second.startswith("0 ") or not second else f"{first} {second} ago"


def other(commit: Ending, deed: str) -> list[str]:
    """A row of the table of further transactions."""
    return [utc(commit.time), str(commit.xid), format_lsn(commit.lsn), deed]


def _last_good(before: Ending | None) -> str:
    if before is None:
        return "the base backup itself"
    return f"transaction {before.xid} of {utc(before.time)}"


def _effort(effort: Effort) -> str:
    text = f"{effort.seconds:.1f} s, {size(effort.wal_read)} of WAL read, {size(effort.copied)} copied"
    if effort.copies:
        restores = "one restore" if effort.copies == 1 else f"{effort.copies} restores"
        text += f" into {restores} for {effort.questions} questions"
    return f"{text}; a bisection with a copy for each step copies {size(effort.naive)}"
