"""Where a restore shall stop, checked as far as that is possible without looking at any WAL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from archive.lsn import format_lsn, parse_lsn
from problem import Misuse

Kind = Literal["time", "lsn", "xid", "name", "latest", "snapshot"]

_LONGEST_NAME = 63
"""Bytes of a restore point's name (MAXFNAMELEN of PostgreSQL, less its terminator)."""


def utc(moment: datetime) -> str:
    """A moment for people, always in UTC and to the microsecond as PostgreSQL keeps it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC"


def iso(moment: datetime) -> str:
    """A moment for the command line and the config: ISO 8601 in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


@dataclass(frozen=True)
class Target:
    """A recovery target (manual, "Recovery Target").

    ``value`` is an ISO time with its zone, an LSN, a transaction id, the name of a restore point, None for
    ``latest``, and the name of a base backup for ``snapshot``. ``inclusive`` stops just after the target
    instead of just before it and matters to time, lsn and xid only. ``backup`` names the base backup to
    start from; without it the newest that can reach the target is taken. Raises Misuse for a wrong value.
    """

    kind: Kind
    value: str | None = None
    inclusive: bool = True
    backup: str | None = None

    def __post_init__(self) -> None:
        if self.kind == "latest":
            if self.value is not None:
                raise _misuse(self, "takes no value")
        elif not self.value:
            raise _misuse(self, "needs a value")
        elif self.kind in ("time", "lsn", "xid"):
            getattr(self, self.kind)
        elif self.kind == "name" and len(self.value.encode()) > _LONGEST_NAME:
            raise _misuse(
                self, f"names a restore point of more than {_LONGEST_NAME} bytes, which cannot exist"
            )

    @property
    def time(self) -> datetime:
        """The target time in UTC; Misuse without a zone."""
        try:
            moment = datetime.fromisoformat(self.value or "")
        except ValueError:
            raise _misuse(self, "is not an ISO 8601 time such as 2025-12-03T14:23:00Z") from None
        if moment.tzinfo is None:
            whole = self.value if ":" in (self.value or "") else f"{moment:%Y-%m-%dT%H:%M:%S}"
            raise _misuse(self, f"has no time zone: write {whole}Z for UTC, or add an offset such as +01:00")
        return moment.astimezone(UTC)

    @property
    def lsn(self) -> int:
        """The target position in bytes."""
        return parse_lsn(self.value or "")

    @property
    def xid(self) -> int:
        """The 32 bits of the id that WAL knows; ``pg_current_xact_id()`` shows an epoch above them."""
        if not (self.value or "").isascii() or not (self.value or "").isdigit():
            raise _misuse(self, "is not a transaction id: a number as SELECT pg_current_xact_id() shows it")
        return int(self.value or "") & 0xFFFFFFFF

    def setting(self) -> str:
        """The value for PostgreSQL's ``recovery_target_<kind>``; a time always in UTC."""
        if self.kind == "time":
            return f"{self.time:%Y-%m-%d %H:%M:%S.%f}+00"
        if self.kind == "lsn":
            return format_lsn(self.lsn)
        return str(self.xid) if self.kind == "xid" else self.value or ""

    def __str__(self) -> str:
        if self.kind == "latest":
            return "the latest state"
        if self.kind == "time":
            return f"the target time {utc(self.time)}"
        words = {"lsn": "LSN", "xid": "transaction", "name": "restore point", "snapshot": "base backup"}
        return f"{words[self.kind]} {self.value}"


def _misuse(target: Target, what: str) -> Misuse:
    """One shape for all complaints about a target's value."""
    return Misuse("target-invalid", f"The restore target {target.kind}: {target.value!r} {what}")
