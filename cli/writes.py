"""What was written to a restore since the cut-over, and who is still connected to what it replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from problem import Problem, Refusal

if TYPE_CHECKING:
    from cli.session import Session
    from cli.stage import Stage
    from validation.activity import Counters

_PATIENCE = timedelta(seconds=2)
"""How long to wait for counts that other sessions still hold back; after it they are a lower bound."""


def before_cutover(session: Session, name: str) -> Callable[[], None]:
    """Hold a restore against what the cut-over needs of it; gives what to note just before it.

    Refusal ``target-refuses`` where its server turns the application away. One that is stopped is not
    refused, unless it is a standby: the plan starts instances of ours before anything points to them.
    """
    from validation.connections import Unreachable, connect

    outputs = session.engine.outputs()
    url = str(outputs["restores"][name]["url"])
    begun = name in (outputs.get("serving"), outputs.get("canary"))
    if begun and session.journal.fact("written_of") == name:
        return lambda: None  # the application is there already: what is noted is of when it first was
    try:
        connect(url).close()
    except Unreachable as problem:
        if "Connection refused" not in problem.what or _is_standby(session, name):
            what = f"{name} does not take the application: {problem.what}"
            cure = "Nothing was changed, the application stays where it is. " + problem.cure
            raise Refusal("target-refuses", what, cure) from None
        session.screen.warn(f"{name} does not run; it is started before anything points to it.")
    return partial(_note_baseline, session, name, url)


def _is_standby(session: Session, name: str) -> bool:
    """Whether its server is somebody else's, which we never start."""
    return bool(session.file.raw["restores"][name]["from"].get("replica"))


def after_cutover(session: Session, stage: Stage, name: str) -> None:
    """Who is still connected to the source; and the counters of a restore that did not run before."""
    if not session.file.raw.get("endpoints"):
        show = session.command("env", name, "--show")
        session.screen.warn(f"The config has no endpoint: nobody was led to {name}. Its URL: {show}")
    tell_left_behind(session, stage, "source")
    if session.journal.fact("written") is None:
        _note_baseline(session, name, _url(session, name), late=True)


def _note_baseline(session: Session, name: str, url: str, late: bool = False) -> None:
    """Keep the restore's write counters in the journal, best while the application is not there yet."""
    from validation.activity import counters

    try:
        found = counters(url, _PATIENCE)
    except Problem:
        session.journal.note(written=None, written_of=name)
        return
    settled = found.settled and not late
    session.journal.note(written=_document(replace(found, settled=settled)), written_of=name)


def tell_written(
    session: Session, stage: Stage, name: str, final: bool = False, since: str = "the cut-over"
) -> None:
    """The write-loss statement: rows per table written to ``name`` since the cut-over, or a canary."""
    from validation.activity import counters, written_between

    baseline = session.journal.fact("written")
    if baseline is None or session.journal.fact("written_of") != name:
        session.screen.warn(f"What was written to {name} since {since} is not known: no counters were kept.")
        return
    try:
        difference = written_between(_counters(baseline), counters(_url(session, name), _PATIENCE))
    except Problem as problem:
        session.screen.warn(f"What was written to {name} cannot be read: {problem.what}")
        return
    stage.facts["written_since_cutover"] = {table: asdict(one) for table, one in difference.tables.items()}
    when = "stays there and is not in the source" if final else "would stay there"
    if not difference.tables:
        session.screen.say(f"Nothing was written to {name} since {since}.")
        return
    bound = "" if difference.exact else " at least"
    session.screen.warn(f"Written to {name} since {since},{bound} (it {when}):")
    for table, rows in sorted(difference.tables.items()):
        session.screen.say(
            f"  {table}: {rows.inserted} inserted, {rows.updated} updated, {rows.deleted} deleted"
        )


def tell_parted(session: Session, stage: Stage, left: str) -> None:
    """Say of a promoted standby that it follows the source no longer: neither has the other's newer rows."""
    from validation.activity import diagnostics

    restore = (session.file.raw.get("restores") or {}).get(left) or {}
    replica = (restore.get("from") or {}).get("replica")
    if not replica:
        return
    try:
        parted = not diagnostics(_url(session, left)).in_recovery
    except Problem as problem:
        session.screen.warn(f"Whether {replica} is promoted is not known: {problem.what}")
        return
    stage.facts["parted"] = parted
    if parted:
        session.screen.warn(
            f"{replica} and the source have parted: neither has what was written to the other since. "
            f"Save what you need from {replica}, then rebuild it as a standby."
        )


def tell_left_behind(session: Session, stage: Stage, left: str) -> None:
    """Name who is still connected to what the application has left, by application and address."""
    name = "the source" if left == "source" else left
    try:
        url = session.engine.secret("source-url") if left == "source" else _url(session, left)
        behind = connected(url)
    except Problem as problem:
        session.screen.warn(f"Who is still connected to {name} is not known: {problem.what}")
        return
    stage.facts["left_behind"] = dict(behind)
    if behind:
        listed = ", ".join(f"{count} x {who}" for who, count in behind.most_common())
        session.screen.warn(f"Still connected to {name}: {listed}")
    else:
        session.screen.say(f"Nobody is connected to {name} any more.")


def connected(url: str) -> Counter[str]:
    """Sessions on a server by application and address: "starforge-api from 10.0.0.7"."""
    from validation.activity import diagnostics

    found = diagnostics(url).sessions
    return Counter(f"{one.application or 'unnamed'} from {one.client or 'a socket'}" for one in found)


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
