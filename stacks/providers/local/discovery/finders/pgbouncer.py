"""pgbouncer: what the application may really connect to."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.providers.local.discovery.poolers import Pooler, poolers
from stacks.providers.local.discovery.report import Found, Unseen
from stacks.providers.local.discovery.scene import Scene

WHAT, VARIABLE = "pgbouncer", "REFORGE_PGBOUNCER_ADMIN"


def look(scene: Scene) -> Iterator[Found | Unseen]:
    """Each one that leads to the database; its admin's password is for somebody to add."""
    for pooler in poolers(scene):
        if pooler.databases is None:
            ini = pooler.ini or "an unknown ini"
            why = f"pid {pooler.process.pid} runs with {ini}, which this account may not read"
            yield Unseen(WHAT, why, f"{VARIABLE}=postgresql://ADMIN:PASSWORD@HOST:PORT/pgbouncer")
        for name in pooler.databases or ():
            yield _found(pooler, name)


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
