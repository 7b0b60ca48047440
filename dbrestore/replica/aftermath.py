"""After a promotion, with clients served again: stale slots go, other standbys follow or are named."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from archive.lsn import parse_lsn
from archive.standing import Connection, Standing, connect, dependents, mapped, standing
from dbrestore.replica.promoting import Promoting
from problem import Problem

FOLLOW_SECONDS = 20.0
"""A standby tries anew every wal_retrieve_retry_interval, 5 s by default."""

_UNLOGGED = (
    "SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = 'panic'"
)


def aftermath(promoting: Promoting) -> list[str]:
    """See to what surrounds the promoted server; a line for each thing done or left. Never raises."""
    found: list[str] = []
    for part in (_followers, _slots, _left_behind):
        try:
            with mapped("Looking around after the promotion"):
                found += part(promoting)
        except Problem as problem:
            found.append(f"After the promotion: {problem.what} {problem.cure}".strip())
    return found


@dataclass
class _Follower:
    """Another standby, told where to stream from now on."""

    name: str
    connection: Connection
    host: str
    port: str
    conninfo: str
    slot: str

    @property
    def streams(self) -> bool:
        row = self.connection.execute(
            "SELECT sender_port::text FROM pg_stat_wal_receiver WHERE status = 'streaming'"
        ).fetchone()
        return bool(row and row[0] == self.port)

    def follow(self) -> None:
        """Stream from the promoted server; the connection string may hold a password, so it is not logged.

        Problem ``server-refused`` where that cannot be had: a statement that fails would be logged as well.
        """
        value = sql.Literal(self.conninfo)
        try:
            self.connection.execute(_UNLOGGED)
            self.connection.execute(sql.SQL("ALTER SYSTEM SET primary_conninfo = {}").format(value))
            self.connection.execute("SELECT pg_reload_conf()")
        except psycopg.Error as error:
            what = f"{self.name} was not told to follow: {error.diag.message_primary or error}."
            raise Problem("server-refused", what, self.by_hand) from error

    @property
    def by_hand(self) -> str:
        """What to type on it, without the password."""
        return (
            f"On {self.name}: ALTER SYSTEM SET primary_conninfo = 'host={self.host} port={self.port} ...'; "
            "SELECT pg_reload_conf();"
        )


def _followers(promoting: Promoting) -> Iterator[str]:
    told: list[_Follower] = []
    try:
        for name, url in promoting.parties.others.items():
            try:
                told.append(_told(promoting, name, url))
            except Problem as problem:
                yield f"{name} does not follow the promoted server: {problem.what} {problem.cure}".strip()
        yield from _awaited(told)
    finally:
        for one in told:
            one.connection.close()


def _awaited(told: list[_Follower]) -> Iterator[str]:
    end = time.monotonic() + FOLLOW_SECONDS
    while told and not all(one.streams for one in told) and time.monotonic() < end:
        time.sleep(0.05)
    for one in told:
        if one.streams:
            yield f"{one.name} follows the promoted server."
        else:
            yield f"{one.name} was told to follow the promoted server and does not stream yet. {one.by_hand}"


def _told(promoting: Promoting, name: str, url: str) -> _Follower:
    connection = connect(url, name)
    try:
        with mapped(f"Leading {name} to the promoted server"):
            _can_follow(name, standing(connection), _now(promoting))
            follower = _follower(name, connection, promoting.parties.url)
            _keep_slot(promoting, follower.slot)
            follower.follow()
    except BaseException:
        connection.close()
        raise
    return follower


def _can_follow(name: str, one: Standing, promoted: Standing) -> None:
    if not one.in_recovery or one.system_identifier != promoted.system_identifier:
        raise Problem("not-a-standby", f"{name} is no standby of this cluster.")
    if one.last and promoted.replayed and parse_lsn(one.last) > parse_lsn(promoted.replayed):
        what = (
            f"It has WAL up to {one.last}, and the promoted server left the original at {promoted.replayed}."
        )
        raise Problem("standby-ahead", what, "Stop it and run pg_rewind against the promoted server.")


def _follower(name: str, connection: Connection, promoted_url: str) -> _Follower:
    row = connection.execute(
        "SELECT current_setting('primary_conninfo'), current_setting('primary_slot_name')"
    ).fetchone()
    old, slot = row or ("", "")
    at = conninfo_to_dict(promoted_url)
    host, port = str(at.get("host") or at.get("hostaddr") or "localhost"), str(at.get("port") or 5432)
    kept = {key: value for key, value in conninfo_to_dict(old).items() if key != "hostaddr"}
    return _Follower(
        name, connection, host, port, make_conninfo("", **(kept | {"host": host, "port": port})), slot
    )


def _now(promoting: Promoting) -> Standing:
    return standing(promoting.connected)


def _keep_slot(promoting: Promoting, slot: str) -> None:
    """The slot that a standby asks for by name has to be there."""
    if slot:
        query = (
            "SELECT pg_create_physical_replication_slot(%s, true) "
            "WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = %s)"
        )
        promoting.connected.execute(query, (slot, slot))


def _slots(promoting: Promoting) -> Iterator[str]:
    """Idle copies of the original's slots would hold back WAL for ever."""
    idle = dependents(promoting.connected).slots_idle
    needed = _needed_slots(promoting)
    hangs = promoting.original.dependents()
    stale = set(idle) & set(hangs.slots_in_use + hangs.slots_idle) - needed if hangs else set()
    for slot in sorted(stale):
        promoting.connected.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
        yield f"Dropped the slot {slot} on the promoted server: a copy of the original's that nobody used."
    if rest := sorted(set(idle) - stale - needed):
        yield _holding_back("the promoted server", rest)


def _needed_slots(promoting: Promoting) -> set[str]:
    """Slots that other standbys of the config stream from."""
    found = set()
    for name, url in promoting.parties.others.items():
        with suppress(Problem), closing(connect(url, name)) as connection, mapped(name):
            row = connection.execute("SELECT current_setting('primary_slot_name')").fetchone()
            found |= {row[0]} if row and row[0] else set()
    return found


def _left_behind(promoting: Promoting) -> Iterator[str]:
    hangs, parties = promoting.original.dependents(), promoting.parties
    if hangs and hangs.standbys:
        at = conninfo_to_dict(parties.url)
        yield (
            f"Standbys that still follow the original: {', '.join(hangs.standbys)}. On each: "
            f"ALTER SYSTEM SET primary_conninfo = 'host={at.get('host')} port={at.get('port') or 5432} ...'; "
            "SELECT pg_reload_conf(); and pg_rewind first where it has replayed more."
        )
    if (
        hangs and hangs.slots_idle
    ):  # what streams from the promoted server now, and it itself, have left theirs
        yield _holding_back("the original", hangs.slots_idle)
    if not promoting.original.alive:
        yield "The original did not answer and is not fenced: see that it does not come back by itself."
    elif not parties.fence:
        yield "Without `fence` the original still takes writes from whoever does not go through the route."


def _holding_back(server: str, slots: list[str]) -> str:
    return (
        f"Idle slots on {server} hold back WAL: {', '.join(slots)}. "
        "Drop what nobody will use: SELECT pg_drop_replication_slot('NAME');"
    )
