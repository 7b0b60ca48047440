"""A swap to a standby that is promoted while clients are held, and what its guard does if it dies.

Up to the first client that is let to the new server the original has every acknowledged write: so any
failure goes back to it. From then on there is only forward. A guard that finds a promotion begun goes
forward where the standby can be promoted, because it may have been already, and back where it cannot.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from dbrestore import files
from dbrestore.pgbouncer.fleet import Fleet
from dbrestore.pgbouncer.guard import Guard, Orders, Rescue
from dbrestore.pgbouncer.inifile import Address, content
from dbrestore.pgbouncer.inputs import Timeouts
from dbrestore.pgbouncer.swap import Edit, Swap
from dbrestore.replica.inputs import Parties
from dbrestore.replica.promoting import HELD_SECONDS, Promoting, finish, lift
from problem import Problem


class PromotingSwap(Swap):
    """``Swap`` with a promotion between PAUSE and the new address; prepare the promotion first."""

    def __init__(
        self, fleet: Fleet, edits: Sequence[Edit], new: Address, timeouts: Timeouts, promotion: Promoting
    ) -> None:
        super().__init__(fleet, edits, new, timeouts)
        self.promotion = promotion

    def _while_held(self, guard: Guard) -> None:
        self.promotion.carry_out(guard.announce)

    def _orders(self, ready: Sequence[files.Replacement]) -> Orders:
        orders, parties = super()._orders(ready), self.promotion.parties
        commits = tuple(
            (str(one.ready), str(one.path), _digest(content(edit.entry.text)))
            for edit, one in zip(self._edits, ready, strict=True)
        )
        rescue = Rescue(parties.wire(), self.promotion.fence_before, commits)
        return replace(orders, seconds=orders.seconds + HELD_SECONDS, promotion=rescue)

    def _undo(self, guard: Guard, error: Exception) -> Problem:
        if self.moved:
            return super()._undo(guard, error)
        try:
            guard.announce("backward")
        except Problem as overtaken:
            if self.promotion.sent and not guard.killed:  # it goes forward: clients may be there already
                return overtaken
        left, unlifted = "", ""
        try:
            left = self.promotion.undo()
        except Problem as problem:
            unlifted = f" The original is still fenced: {problem.what}"
        found = super()._undo(guard, error)
        if not (left or unlifted):
            return found
        return Problem(
            "promotion-undone", f"{found.what}{unlifted} {left}".strip(), self._mended(bool(unlifted))
        )

    def _mended(self, fenced: bool) -> str:
        name = self.promotion.parties.name
        lifted = (
            "Type on the original: ALTER SYSTEM RESET default_transaction_read_only; "
            "SELECT pg_reload_conf(); "
        )
        rebuilt = (
            f"Forget it (reforge teardown {name}), rebuild the standby or take another one, then restore."
        )
        return (lifted if fenced else "") + (rebuilt if self.promotion.sent else "Then run the same again.")


def settled(orders: Mapping[str, Any], said: Collection[str]) -> bool:
    """The guard's part: end a promotion that was begun; True where clients belong to the new server."""
    parties, commits = Parties.model_validate(orders["parties"]), orders["commits"]
    begun = not {"promoting", "writing"}.isdisjoint(said) and "backward" not in said
    if begun and ("writing" in said or (_unchanged(commits) and finish(parties))):
        _commit(commits)
        return True
    if "fencing" in said:
        with suppress(Problem):  # clients are resumed whatever becomes of it
            lift(parties, orders["fence_before"])
    return False


def _unchanged(commits: Sequence[Sequence[str]]) -> bool:
    with suppress(OSError):
        return all(_digest(Path(path).read_bytes()) == digest for _, path, digest in commits)
    return False


def _commit(commits: Sequence[Sequence[str]]) -> None:
    """The new content of files that still hold the old one."""
    for ready, path, digest in commits:
        with suppress(OSError):
            if _digest(Path(path).read_bytes()) == digest:
                os.replace(ready, path)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
