"""The promotion itself, while clients are held: nothing that was acknowledged is lost, nothing is doubled.

``prepare`` does all that takes time while everybody still works. ``carry_out`` belongs between PAUSE and
the clients' new address: fence, flush, wait until that is replayed, promote, poll. Until the first client
was let to the new server the original has every acknowledged write, so ``undo`` can always go back to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing

import psycopg

from archive.standing import Connection, Standing, connect, dependents, mapped, standing
from dbrestore.handler import Context
from dbrestore.replica import proof
from dbrestore.replica.inputs import Parties
from dbrestore.replica.original import Original
from problem import Problem, Refusal

CATCH_UP_SECONDS = 60.0
"""Before anybody is held."""
REPLAY_SECONDS = 5.0
"""While clients are held: from the flush until it is replayed."""
PROMOTE_SECONDS = 15.0
HELD_SECONDS = REPLAY_SECONDS + PROMOTE_SECONDS + 10.0
"""The longest that all of ``carry_out`` can take, fence included."""

Announce = Callable[[str], None]
"""Takes what comes next, ``fencing`` or ``promoting``, and returns only if it may."""


class Promoting:
    """One promotion; ``close`` it."""

    def __init__(self, parties: Parties, context: Context) -> None:
        self.parties, self._context = parties, context
        self.original = Original(parties)
        self.standby: Connection | None = None
        self.fence_before: str | None = None
        self.fenced = self.sent = self._promotes = False
        self.position = ""
        """What was replayed before the promotion."""

    @property
    def due(self) -> bool:
        """Whether the server is a standby still."""
        with mapped(f"Asking {self.parties.replica}"):
            self._open_standby()
            return self._standing().in_recovery

    @property
    def untouched(self) -> bool:
        """Whether as many transactions began on the original as on a server that was promoted already."""
        source = self.original.standing()
        return source is not None and source.next_xid == self._standing().next_xid

    def prepare(self, resuming: bool = False) -> None:
        """Prove that it can be promoted, and bring it close to the original. Refusal where it cannot.

        ``resuming``: some clients are there already, so one that is promoted is what it should be.
        """
        with mapped(f"Preparing the promotion of {self.parties.replica}"):
            self._open_standby()
            self.original.open()
            now, source = self._standing(), self.original.standing()
            if source is None:
                self._context.note(proof.accepted_silence(self.parties, now))
            if self.parties.fence and self.original.alive:
                self.fence_before = self.original.fence_before()
                if self.fence_before == "on":  # of an earlier run that was killed, or of somebody's hand
                    self._context.note(
                        f"The original is fenced already; to have it write again {LIFT_BY_HAND}"
                    )
            self._promotes = now.in_recovery
            if now.in_recovery:
                proof.prove(self.parties.replica, now, source)
                proof.prove_replaying(self.parties.replica, now)
                proof.prove_committing(self.parties, dependents(self.connected))
                self._catch_up(source.flushed if source else now.last)
                return
            proof.prove_cluster(self.parties.replica, now, source)
            if not resuming:
                proof.refuse_parted(self.parties, now, source)

    def carry_out(self, announce: Announce) -> None:
        """Promote; clients are held, and nobody else writes."""
        with mapped(f"Promoting {self.parties.replica}"):
            if self.parties.fence and self.original.alive:
                announce("fencing")
                self.fenced = True
                self.original.fence()
            if not self._promotes:
                return
            self.position = self.original.flush() if self.original.alive else str(self._standing().last)
            self._replay(self.position, REPLAY_SECONDS)
            announce("promoting")
            self.sent = True
            promote(self.connected, self.parties.replica)

    def undo(self) -> str:
        """The original writes again; what the promotion left behind in words, empty where nothing."""
        if self.fenced:
            self.original.lift(self.fence_before)
        if not self.sent:
            return ""
        name = self.parties.replica
        return f"{name} was told to promote: it follows the original no longer, and no client was sent to it."

    def close(self) -> None:
        if self.standby is not None:
            self.standby.close()
        self.original.close()

    def _open_standby(self) -> None:
        if self.standby is None:
            self.standby = connect(self.parties.url, self.parties.replica)

    @property
    def connected(self) -> Connection:
        """The standby, promoted or not."""
        if self.standby is None:
            raise Problem("server-unanswering", f"{self.parties.replica} does not answer.")
        return self.standby

    def _standing(self) -> Standing:
        return standing(self.connected)

    def _catch_up(self, position: str | None) -> None:
        name, told = self.parties.replica, 0.0
        end = time.monotonic() + CATCH_UP_SECONDS
        while behind := self._standing().behind(position):
            if self._context.cancelled.is_set():
                raise Problem("interrupted", f"Interrupted while {name} was catching up.", _AGAIN)
            if time.monotonic() > end:
                raise _lags(name, behind)
            if time.monotonic() > told + 1:
                self._context.progress(f"{name} catches up: {behind} bytes to replay")
                told = time.monotonic()
            time.sleep(0.02)

    def _replay(self, position: str, seconds: float) -> None:
        query = "SELECT pg_wal_lsn_diff(%s, pg_last_wal_replay_lsn())"
        end = time.monotonic() + seconds
        while True:
            row = self.connected.execute(query, (position,)).fetchone()
            if row is None or row[0] is None or row[0] <= 0:
                return
            if time.monotonic() > end:
                raise _lags(self.parties.replica, int(row[0]))
            time.sleep(0.001)


def promote(standby: Connection, replica: str) -> None:
    """Promote and wait until it takes writes; one that is promoted already is fine.

    Problem ``promotion-unfinished`` after ``PROMOTE_SECONDS``.
    """
    end = time.monotonic() + PROMOTE_SECONDS
    try:
        standby.execute("SELECT pg_promote(false)")
    except psycopg.errors.ObjectNotInPrerequisiteState:  # "recovery is not in progress"
        return
    while _in_recovery(standby):
        if time.monotonic() > end:
            what = f"{replica} was told to promote {PROMOTE_SECONDS:g} s ago and is still in recovery."
            raise Problem("promotion-unfinished", what, "Its log says what it waits for.")
        time.sleep(0.001)


def _in_recovery(standby: Connection) -> bool:
    row = standby.execute("SELECT pg_is_in_recovery()").fetchone()
    return bool(row and row[0])


def _lags(replica: str, behind: int) -> Refusal:
    what = f"{replica} does not catch up: {behind} bytes of the original's WAL are not replayed there."
    return Refusal("replica-lags", what, "See `reforge sources`; run the same command once it is closer.")


_AGAIN = "Run the same command again."


def finish(parties: Parties) -> bool:
    """Promote, or find it done; False where the standby cannot be reached or does not get there."""
    try:
        with closing(connect(parties.url, parties.replica)) as standby, mapped("Promoting"):
            promote(standby, parties.replica)
    except Problem:
        return False
    return True


def lift(parties: Parties, before: str | None) -> None:
    """Have the original write again after a fence. Problem ``fence-failed`` where that cannot be done."""
    original = Original(parties)
    try:
        with closing(original), mapped("Lifting the fence"):
            original.open()
            original.lift(before)
    except Problem as problem:
        what = f"The original is still fenced and takes no writes: {problem.what}"
        cure = f"Start it or mend that, then run the same command again; or {LIFT_BY_HAND}"
        raise Problem("fence-failed", what, cure) from problem


LIFT_BY_HAND = (
    "type on the original: ALTER SYSTEM RESET default_transaction_read_only; SELECT pg_reload_conf();"
)
