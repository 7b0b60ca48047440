"""pgbouncer: what the application may really connect to."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg.rows import dict_row

from stacks.providers.local.discovery.poolers import Pooler, poolers
from stacks.providers.local.discovery.report import Found, Unseen
from stacks.providers.local.discovery.scene import Scene

WHAT, VARIABLE = "pgbouncer", "REFORGE_PGBOUNCER_ADMIN"
_SECONDS = 5


def look(scene: Scene) -> Iterator[Found | Unseen]:
    """Each one that leads to the database; its admin's password is for somebody to add.

    Consoles that were given are asked themselves: their pgbouncers may run elsewhere.
    """
    for url in scene.consoles:
        yield _asked(scene, url)
    answered = {urlsplit(url).port or 6432 for url in scene.consoles}
    for pooler in (one for one in poolers(scene) if one.databases is None or one.port not in answered):
        if pooler.databases is None:
            ini = pooler.ini or "an unknown ini"
            why = f"pid {pooler.process.pid} runs with {ini}, which this account may not read"
            yield Unseen(WHAT, why, f"{VARIABLE}=postgresql://ADMIN:PASSWORD@HOST:PORT/pgbouncer")
        for name in pooler.databases or ():
            yield _found(pooler, name)


def _asked(scene: Scene, url: str) -> Found | Unseen:
    """What SHOW DATABASES says; the console knows the simple protocol only."""
    parts = urlsplit(url)
    place = f"{parts.hostname or 'localhost'}:{parts.port or 6432}"
    try:
        with psycopg.connect(
            url, autocommit=True, prepare_threshold=None, connect_timeout=_SECONDS
        ) as console:
            rows = psycopg.ClientCursor(console, row_factory=dict_row).execute("SHOW DATABASES").fetchall()
    except psycopg.Error as error:
        why = str(error).strip().splitlines()[0].replace(unquote(parts.password or "\0"), "***")
        return Unseen(WHAT, f"the console at {place} does not let us in: {why}", f"the right {VARIABLE}")
    names = [
        row["name"]
        for row in rows
        if row["database"] == scene.clues.database and scene.leads_here(row["host"], str(row["port"]))
    ]
    if not names:
        return Unseen(WHAT, f"no database of {place} leads to this server", f"another {VARIABLE}")
    return Found(WHAT, f"{', '.join(names)} on {place}", "SHOW DATABASES of the console that was given")


def _found(pooler: Pooler, name: str) -> Found:
    host = "127.0.0.1" if pooler.address in ("", "*", "0.0.0.0", "::") else pooler.address.split(",")[0]  # noqa: S104
    admin = pooler.admins[0] if pooler.admins else "ADMIN"
    missing = "" if pooler.admins else "; its ini names no admin_users: add one"
    return Found(
        WHAT,
        f"{name} on {host}:{pooler.port}",
        f"[databases] of {pooler.ini}, pid {pooler.process.pid}{missing}",
        f"{VARIABLE}=postgresql://{admin}:PASSWORD@{host}:{pooler.port}/pgbouncer",
    )
