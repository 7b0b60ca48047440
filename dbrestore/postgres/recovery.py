"""Recovery watched from start to promotion: progress, the reached point, the end of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from archive.lsn import format_lsn, parse_lsn
from archive.targets import Target, utc
from dbrestore.handler import Context
from dbrestore.postgres.cluster import Cluster, Unanswered
from dbrestore.progress import Meter
from problem import Problem

POLL_SECONDS = 0.1
_PROMOTION_SECONDS, _PROMOTION_POLL = 1800, 0.02
"""The checkpoint at the end of recovery is part of it."""
REPLAYING = "replaying WAL"
_ASK = """
    SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn()::text, pg_last_xact_replay_timestamp(),
           CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() END
"""


@dataclass(frozen=True)
class Reached:
    """Where recovery stopped."""

    lsn: int
    last_commit: datetime | None
    """Commit time of the last transaction replayed; None when none was."""
    promoted: bool = False
    paused: bool = False


def recover(
    cluster: Cluster,
    target: Target,
    reach: tuple[int, int],
    context: Context,
    check: Callable[[], None] = lambda: None,
) -> Reached:
    """Start the server, wait until it stands at its target, compare.

    ``reach`` is the LSN where replay begins and the one where it ends at the latest; ``check`` is called at
    every look and raises what must end it. Problem ``recovery-failed`` with the server's words;
    ``interrupted`` leaves a stopped server that goes on later.
    """
    meter = Meter(REPLAYING, max(0, reach[1] - reach[0]), context.progress)
    _begin(cluster)
    reached = _wait(cluster, reach[0], meter, context, check)
    compare(target, reached, reach[1])
    return reached


def _begin(cluster: Cluster) -> None:
    """Start the server. One that ends in its recovery, before it takes connections, was started."""
    try:
        cluster.start()
    except Problem as problem:
        raise _ended_early(cluster) if cluster.recovered else problem from problem


def _ended_early(cluster: Cluster) -> Problem:
    return Problem("recovery-failed", f"Recovery in {cluster.directory} ended early.", cluster.complaint())


def _wait(cluster: Cluster, begin: int, meter: Meter, context: Context, check: Callable[[], None]) -> Reached:
    while True:
        check()
        if context.cancelled.is_set():
            cluster.stop()
            raise Problem(
                "interrupted", "Interrupted while replaying WAL.", "The same command goes on from here."
            )
        if not cluster.running:
            raise _ended_early(cluster)
        now = _ask(cluster)
        if now:
            meter.reach(max(0, now.lsn - begin))
            if now.promoted or now.paused:
                meter.done()
                return now
        time.sleep(POLL_SECONDS)


def _ask(cluster: Cluster) -> Reached | None:
    """Recovery's position; None while the server takes no connections yet."""
    try:
        with cluster.connect() as connection:
            row: tuple[Any, ...] = connection.execute(_ASK).fetchone() or ()
    except Unanswered:
        return None
    in_recovery, lsn, last_commit, pause = row
    return Reached(parse_lsn(lsn) if lsn else 0, last_commit, not in_recovery, pause == "paused")


def compare(target: Target, reached: Reached, last_record: int) -> None:
    """Hold the reached point against the target: PostgreSQL itself passes over two misses in silence.

    Problem ``target-missed`` where a time target was overshot (it lay before the backup's end) or where
    ``latest`` stopped short of the last record of the archived WAL (a missing or damaged segment).
    """
    commit = reached.last_commit
    if target.kind == "time" and commit and commit > target.time:
        what = f"Recovery passed {target}: the last replayed commit is of {utc(commit)}."
        raise Problem("target-missed", what, "Choose a later time or an older base backup.")
    if target.kind == "latest" and reached.lsn and reached.lsn < last_record:
        end = format_lsn(last_record)
        what = f"Recovery stopped at {format_lsn(reached.lsn)}; the archived WAL goes on to {end}."
        raise Problem("target-missed", what, "A WAL segment is damaged. Restore to a time before it.")


def promote(cluster: Cluster, reached: Reached) -> None:
    """End a recovery that stands at its target; one without a target has ended by itself.

    Resuming what pauses at its target promotes it at once; pg_promote() may be noticed a second later.
    """
    if reached.promoted:
        return
    deadline = time.monotonic() + _PROMOTION_SECONDS
    with cluster.connect(user=bootstrap_superuser(cluster)) as connection:
        connection.execute("SELECT pg_wal_replay_resume()")
        while connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,):
            if time.monotonic() > deadline:
                what = f"{cluster.directory} was not promoted in {_PROMOTION_SECONDS} s."
                raise Problem("promotion-failed", what, cluster.complaint())
            time.sleep(_PROMOTION_POLL)


def bootstrap_superuser(cluster: Cluster) -> str:
    """The name of the role that initdb made: it has the OID 10 whatever it is called."""
    with cluster.connect() as connection:
        row = connection.execute("SELECT rolname FROM pg_roles WHERE oid = 10").fetchone()
    return str(row[0]) if row else cluster.user


def silence_subscriptions(cluster: Cluster, superuser: str) -> list[str]:
    """Disable every subscription and part it from its slot, so that the publisher is never disturbed."""
    silenced = []
    with cluster.connect(user=superuser) as connection:
        found = connection.execute(
            "SELECT s.subname, d.datname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid"
        ).fetchall()
    for name, database in found:
        quoted = sql.Identifier(name)
        with cluster.connect(database, superuser) as connection:
            for action in ("DISABLE", "SET (slot_name = NONE)"):
                connection.execute(sql.SQL("ALTER SUBSCRIPTION {} " + action).format(quoted))
        silenced.append(name)
    return silenced
