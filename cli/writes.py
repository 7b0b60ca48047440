"""What was written to a restore since the cut-over, and who is still connected to what it replaced."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from problem import Problem

if TYPE_CHECKING:
    from cli.session import Session
    from cli.stage import Stage
    from validation.activity import Counters

_PATIENCE = timedelta(seconds=2)
"""How long to wait for counts that other sessions still hold back; after it they are a lower bound."""


def note_baseline(session: Session, stage: Stage, name: str) -> None:
    """Keep the restore's write counters of the cut-over in the journal, for the rollback's statement."""
    from validation.activity import counters

    try:
        found = counters(_url(session, name), _PATIENCE)
    except Problem as problem:
        session.screen.warn(f"The write counters of {name} cannot be read: {problem.what}")
        return
    session.journal.note(written=_document(found), written_of=name)


def tell_written(session: Session, stage: Stage, name: str, final: bool = False) -> None:
    """The write-loss statement: rows per table written to ``name`` since the cut-over."""
    from validation.activity import counters, written_between

    baseline = session.journal.fact("written")
    if baseline is None or session.journal.fact("written_of") != name:
        session.screen.warn(
            f"What was written to {name} since the cut-over is not known: no counters were kept."
        )
        return
    try:
        difference = written_between(_counters(baseline), counters(_url(session, name), _PATIENCE))
    except Problem as problem:
        session.screen.warn(f"What was written to {name} cannot be read: {problem.what}")
        return
    stage.facts["written_since_cutover"] = {table: asdict(one) for table, one in difference.tables.items()}
    when = "stays there and is not in the source" if final else "would stay there"
    if not difference.tables:
        session.screen.say(f"Nothing was written to {name} since the cut-over.")
        return
    bound = "" if difference.exact else " at least"
    session.screen.warn(f"Written to {name} since the cut-over,{bound} (it {when}):")
    for table, rows in sorted(difference.tables.items()):
        session.screen.say(
            f"  {table}: {rows.inserted} inserted, {rows.updated} updated, {rows.deleted} deleted"
        )


def tell_moved(session: Session, stage: Stage) -> None:
    """Name who is still connected to the source, by application and address."""
    from validation.activity import diagnostics

    try:
        found = diagnostics(session.engine.secret("source-url")).sessions
    except Problem as problem:
        session.screen.warn(f"Who is still connected to the source is not known: {problem.what}")
        return
    left = Counter(f"{one.application or 'unnamed'} from {one.client or 'a socket'}" for one in found)
    stage.facts["still_on_source"] = dict(left)
    if left:
        listed = ", ".join(f"{count} x {who}" for who, count in left.most_common())
        session.screen.warn(f"Still connected to the source: {listed}")
    else:
        session.screen.say("Nobody is connected to the source any more.")


def _url(session: Session, name: str) -> str:
    return str(session.engine.outputs()["restores"][name]["url"])


def _document(found: Counters) -> dict[str, Any]:
    return asdict(found)


def _counters(document: dict[str, Any]) -> Counters:
    from validation.activity import Counters, Written

    reset = document["reset_at"]
    return Counters(
        {table: Written(**rows) for table, rows in document["tables"].items()},
        document["settled"],
        datetime.fromisoformat(reset) if reset else None,
    )
