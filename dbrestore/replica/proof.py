"""Whether a server is a standby of the original that can be promoted, and what to know before it is."""

from __future__ import annotations

from collections.abc import Iterator

from archive.standing import Dependents, Standing
from dbrestore.replica.inputs import Parties
from problem import Refusal

_NOTHING = "Nothing was changed."


def prove(replica: str, standby: Standing, source: Standing | None) -> None:
    """Refusal where ``standby`` is no standby of ``source``; None is an original that does not answer."""
    prove_cluster(replica, standby, source)
    if not standby.in_recovery:
        what = f"{replica} is not a standby: it is a primary, on timeline {standby.timeline}."
        raise Refusal("not-a-standby", what, f"{_NOTHING} Correct its URL in `source.replicas`.")
    if source and standby.timeline > source.timeline:
        what = f"{replica} follows timeline {standby.timeline}, which the original ({source.timeline}) left."
        raise Refusal("another-timeline", what, f"{_NOTHING} Rebuild the standby, or take another one.")


def prove_cluster(replica: str, standby: Standing, source: Standing | None) -> None:
    """Refusal where the two never were one."""
    if source and standby.system_identifier != source.system_identifier:
        ours, theirs = source.system_identifier, standby.system_identifier
        what = f"{replica} is of another cluster: its system identifier is {theirs}, the original's {ours}."
        raise Refusal("another-cluster", what, f"{_NOTHING} Correct its URL in `source.replicas`.")


def prove_replaying(replica: str, standby: Standing) -> None:
    """Refusal where the standby is kept from replaying what it has."""
    if standby.paused:
        what = f"{replica} does not replay: somebody has paused it at {standby.replayed}."
        raise Refusal("replay-paused", what, "Type on the standby: SELECT pg_wal_replay_resume();")
    if standby.delay_ms:
        what = f"{replica} replays {standby.delay_ms / 1000:g} s late on purpose."
        cure = (
            "Type on the standby: ALTER SYSTEM SET recovery_min_apply_delay = 0; SELECT pg_reload_conf(); "
            "then run the same command again. For the state of an earlier moment restore to a time instead."
        )
        raise Refusal("replica-delayed", what, cure)


def prove_committing(parties: Parties, hangs: Dependents) -> None:
    """Refusal where each commit would wait for a standby that it does not have and nobody leads to it."""
    if hangs.waits_for_nobody and not parties.others:
        what = (
            f"Once {parties.replica} is promoted each commit there would wait for a standby of "
            f"synchronous_standby_names ({hangs.awaited}), and it has none."
        )
        cure = (
            "Type on the standby: ALTER SYSTEM RESET synchronous_standby_names; SELECT pg_reload_conf(); (or "
            "SET it to ''); or have such a standby stream from it. Then run the same command again."
        )
        raise Refusal("replica-synchronous", what, cure)


def accepted_silence(parties: Parties, standby: Standing) -> str:
    """What may be lost with an original that does not answer; Refusal where nobody has accepted that."""
    lost = distance(parties.replica, standby, None)
    if not parties.accept_loss:
        cure = (
            f"{_NOTHING} Start the original; or accept the loss: `accept-loss: true` beside `replica` in "
            f"restores.{parties.name}.from, or --accept-loss."
        )
        raise Refusal("source-dead", lost, cure)
    return lost


def refuse_parted(parties: Parties, promoted: Standing, source: Standing | None) -> None:
    """Refusal to serve what was promoted earlier, unless somebody accepts what it does not have."""
    if parties.accept_loss:
        return
    at = f"transaction {source.next_xid}" if source else "an unknown transaction, for it does not answer"
    what = (
        f"{parties.replica} was promoted at {promoted.replayed}, and clients went on with the original: "
        f"it is at {at}, the promoted server at {promoted.next_xid}."
    )
    cure = (
        f"Rebuild it as a standby and restore anew; or accept that what the original took since is not "
        f"there: `accept-loss: true` beside `replica` in restores.{parties.name}.from."
    )
    raise Refusal("replica-parted", what, cure)


def distance(replica: str, standby: Standing, source: Standing | None) -> str:
    """How far the standby is, against which position, and what may be missing."""
    when = f", last commit {standby.replayed_at:%Y-%m-%dT%H:%M:%S.%fZ}" if standby.replayed_at else ""
    if source is None:
        behind = standby.behind(standby.last)
        return (
            f"{replica} has received WAL up to {standby.last} and replayed {standby.replayed}{when} "
            f"({behind} bytes to go). The original does not answer: what it committed after that is lost."
        )
    return (
        f"{replica} is {standby.behind(source.flushed)} bytes behind the original, which is at "
        f"{source.flushed}; replayed {standby.replayed}{when}. "
        "It is promoted at the cut-over, after it has replayed everything."
    )


def on_standby(replica: str, standby: Standing, hangs: Dependents) -> Iterator[str]:
    """What an operator should know of the standby before it becomes a primary."""
    if not standby.receiving:
        yield f"{replica} is not streaming: it gets WAL from its archive only, or none."
    if standby.paused or standby.delay_ms:
        yield f"{replica} is kept from replaying (pause or recovery_min_apply_delay): lift that first."
    if hangs.standbys:
        yield f"Standbys of {replica}, which go on with it: {', '.join(hangs.standbys)}."
    if hangs.slots_idle:
        yield f"Idle replication slots on {replica}: {', '.join(hangs.slots_idle)}."
    if hangs.archive_mode != "off":
        yield (
            f"{replica} archives (archive_mode {hangs.archive_mode}): from its promotion on, on timeline "
            f"{standby.timeline + 1}, usually beside the original's files. Where both write to one place the "
            "original must not archive on."
        )
    if hangs.restore_command:
        yield f"{replica} has a restore_command: its promotion asks it for WAL first, and waits for it."
    if hangs.awaited:
        yield (
            f"{replica}: synchronous_standby_names is {hangs.awaited}; from its promotion on a commit waits "
            "for such a standby of it."
        )
    yield from _begins(replica, hangs)


def _begins(replica: str, hangs: Dependents) -> Iterator[str]:
    """What begins to work by itself with the promotion."""
    if "pg_cron" in hangs.preloaded:
        yield f"pg_cron is loaded on {replica}: its jobs begin to run with the promotion."
    if hangs.subscriptions:
        yield (
            f"Subscriptions that begin to apply on {replica} with the promotion, from the very slots that "
            f"the original uses: {', '.join(hangs.subscriptions)}. Disable them on one of the two."
        )


def on_source(replica: str, hangs: Dependents, unlogged: list[str]) -> Iterator[str]:
    """What stays behind with the original."""
    if hangs.logical_slots:
        yield (
            f"Logical slots of the original that {replica} does not have, so that their readers must be "
            f"set up anew: {', '.join(hangs.logical_slots)}."
        )
    if unlogged:
        yield f"Unlogged tables are empty on {replica}: {', '.join(unlogged)}."
    if len(hangs.standbys) > 1:
        yield f"Standbys of the original, which one promotion leaves behind: {', '.join(hangs.standbys)}."
