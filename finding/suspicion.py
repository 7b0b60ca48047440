"""Which of the acts on a table is the one that is looked for, and whether WAL alone leaves no doubt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from finding.tables import Act, Size

What = Literal["lost", "emptied", "dropped", "changed"]
"""``lost`` is emptied or dropped, whichever it was."""
_HALF = 0.5
"""The share of a table's rows from which on a DELETE is told as its emptying."""
_CLEAR = 10
"""Where the rows were never counted: so many times as many as the next one deleted is no batch among many."""
_SHOWN = 10


@dataclass(frozen=True)
class Suspicion:
    """The likeliest act and others like it, in WAL order; ``clear`` where WAL alone leaves no doubt."""

    act: Act
    clear: bool
    others: tuple[Act, ...] = ()


def suspicion(acts: list[Act], what: What, size: Size) -> Suspicion | None:
    """The last act of the kind that is certain, else the likeliest one; None where there is none."""
    if what == "changed":
        return _ranked(acts, [act for act in acts if act.touch.rows or act.changes], clear=True)
    certain = [act for act in acts if _took(act, what) >= size.tables > 0]
    deletions = [] if what == "dropped" else [act for act in acts if _deleted(act)]
    mass = [act for act in deletions if _is_mass(act, deletions, size)]
    sure = sorted([*certain, *mass], key=lambda act: act.commit.lsn)
    if sure:
        return Suspicion(sure[-1], True, _but(sure[-1], sure))
    return _ranked(acts, deletions, clear=False)


def _ranked(acts: list[Act], found: list[Act], clear: bool) -> Suspicion | None:
    """The one that touched most rows, the later of equals; the next ones beside it."""
    order = sorted(found, key=lambda act: (_rows(act, clear), act.commit.lsn), reverse=True)
    return Suspicion(order[0], clear, _but(order[0], order[:_SHOWN])) if order else None


def _rows(act: Act, of_any_kind: bool) -> int:
    return act.touch.rows + len(act.changes) if of_any_kind else act.touch.deleted


def _took(act: Act, what: What) -> int:
    """How many of the table's parts it dropped, or emptied where that counts."""
    kinds = (
        ("dropped",)
        if what == "dropped"
        else ("truncated",)
        if what == "emptied"
        else ("dropped", "truncated")
    )
    return len({change.oid for change in act.changes if change.kind in kinds})


def _deleted(act: Act) -> int:
    """Rows deleted, but for a rewrite, which does not count them."""
    return 0 if "rewritten" in act.kinds else act.touch.deleted


def _is_mass(act: Act, deletions: list[Act], size: Size) -> bool:
    if size.rows >= 0:
        return act.touch.deleted >= max(1.0, _HALF * size.rows)
    next_one = max((other.touch.deleted for other in deletions if other is not act), default=0)
    return act.touch.deleted >= max(_CLEAR, _CLEAR * next_one)


def _but(one: Act, acts: Iterable[Act]) -> tuple[Act, ...]:
    others = sorted((act for act in acts if act is not one), key=lambda act: act.commit.lsn)
    return tuple(others[-_SHOWN:])
