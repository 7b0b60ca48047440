"""What find found: the moment, how it is known, what it cost, the command that restores to just before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from archive.lsn import format_lsn
from archive.targets import iso
from finding.deeds import Deeds
from finding.transactions import Ending


@dataclass
class Effort:
    """What was read and copied, in bytes; ``naive``: what bisection with a copy a step would have copied."""

    wal_read: int = 0
    copied: int = 0
    wal_copied: int = 0
    copies: int = 0
    questions: int = 0
    naive: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Answer:
    """``commit`` is the transaction that did it. ``evidence``: read in WAL, or asked before and after it.

    ``before`` is the last commit that is wanted. ``between`` counts commits in which nobody could tell,
    ``others`` are further transactions that did the like, with their deeds in a word.
    """

    commit: Ending
    before: Ending | None
    deed: str
    deeds: Deeds
    evidence: Literal["wal", "asked"]
    effort: Effort
    last: Ending
    """The last commit that was read; what came later is not archived."""
    backup: str
    timeline: int
    target: tuple[str, ...] = ()
    """Options of ``reforge restore``, proven to be reachable; none where ``hindrance`` says why not."""
    hindrance: str = ""
    between: int = 0
    others: tuple[tuple[Ending, str], ...] = ()

    def document(self, command: str) -> dict[str, Any]:
        """One JSON document."""
        return {
            "moment": _moment(self.commit),
            "lastGood": _moment(self.before) if self.before else None,
            "lastRead": _moment(self.last),
            "deed": self.deed,
            "deeds": self.deeds.document(),
            "evidence": self.evidence,
            "undecidedCommits": self.between,
            "backup": self.backup,
            "timeline": self.timeline,
            "others": [{**_moment(one), "deed": deed} for one, deed in self.others],
            "effort": {
                "walRead": self.effort.wal_read,
                "bytesCopied": self.effort.copied,
                "walCopied": self.effort.wal_copied,
                "copies": self.effort.copies,
                "questions": self.effort.questions,
                "bytesOfNaiveBisection": self.effort.naive,
                "seconds": round(self.effort.seconds, 3),
            },
            "hindrance": self.hindrance,
            "command": command if self.target else "",
        }


def _moment(commit: Ending) -> dict[str, Any]:
    return {
        "xid": commit.xid,
        "lsn": format_lsn(commit.lsn),
        "time": iso(commit.time),
        "local": commit.time.astimezone().isoformat(),
        "ageSeconds": round((datetime.now(UTC) - commit.time).total_seconds(), 3),
    }
