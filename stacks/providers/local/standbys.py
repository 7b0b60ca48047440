"""The standbys of the original as ``reforge sources`` lists them: how far each is, and what hangs on it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from archive.standing import Standing, connect, dependents, mapped, place, standing
from problem import Problem


def what_can_be_promoted(source_url: str, urls: Mapping[str, str]) -> list[dict[str, Any]]:
    """A line for each standby by name, as JSON values; one that does not answer says so.

    ``behindBytes`` and ``behindSeconds`` are against the original's last WAL on disk, or, where it does not
    answer, against what the standby has received: ``against`` says which.
    """
    source = _source(source_url)
    return [{"name": name, "place": place(url), **_one(name, url, source)} for name, url in urls.items()]


def _source(url: str) -> Standing | None:
    try:
        with closing(connect(url, "the source")) as connection, mapped("Asking the source"):
            return standing(connection)
    except Problem:
        return None


def _one(name: str, url: str, source: Standing | None) -> dict[str, Any]:
    try:
        with closing(connect(url, name)) as connection, mapped(f"Asking {name}"):
            now, hangs = standing(connection), dependents(connection)
    except Problem as problem:
        return {"problem": problem.what}
    against = source.flushed if source else now.last
    return {
        "problem": _unfit(now, source),
        "inRecovery": now.in_recovery,
        "receiving": now.receiving,
        "timeline": now.timeline,
        "against": f"the source at {against}" if source else f"what it received, {against}",
        "behindBytes": now.behind(against),
        "behindSeconds": now.seconds_behind(against),
        "received": now.received,
        "replayed": now.replayed,
        "replayedAt": now.replayed_at.isoformat() if now.replayed_at else None,
        "slots": sorted({*hangs.slots_in_use, *hangs.slots_idle}),
        "standbys": hangs.standbys,
    }


def _unfit(now: Standing, source: Standing | None) -> str:
    """Why it cannot be promoted as it is; empty where it can."""
    if not now.in_recovery:
        return "is a primary"
    if source and source.system_identifier != now.system_identifier:
        return "is of another cluster"
    if now.paused:
        return "its replay is paused"
    return f"replays {now.delay_ms / 1000:g} s late on purpose" if now.delay_ms else ""
