"""How a project's database is reached: directly, or through the pooler by session or by transaction.

https://supabase.com/docs/guides/database/connecting-to-postgres: the pooler's names resolve to IPv4, the
direct one to IPv6 alone unless the project has the IPv4 add-on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archive.supabase import Record
from dbrestore.handler import State
from dbrestore.supabase.marks import ref_of
from problem import Problem

PORTS = {"session": 5432, "transaction": 6543}
"""Of the pooler, where its record does not tell another for that mode."""


def addresses(ref: str, host: str, poolers: Iterable[Record]) -> dict[str, dict[str, Any]]:
    """host, port and what is put after a role's name, for ``session``, ``transaction`` and ``direct``."""
    by_mode = {one["pool_mode"]: one for one in poolers}
    if not by_mode:
        what = f"Supabase tells no address of the pooler of {ref}."
        raise Problem("supabase-no-pooler", what, "Run the same command again; it may not be set up yet.")
    known = next(iter(by_mode.values()))
    found = {
        mode: {
            "host": by_mode.get(mode, known)["db_host"],
            "port": by_mode[mode]["db_port"] if mode in by_mode else port,
            "suffix": f".{ref}",
        }
        for mode, port in PORTS.items()
    }
    return found | {"direct": {"host": host, "port": 5432, "suffix": ""}}


def learnt(project: Record, places: dict[str, dict[str, object]], networks: list[str]) -> State:
    """What is known of a finished project besides its inputs."""
    known = {"ref": ref_of(project), "region": project["region"], "version": project["database"]["version"]}
    return {**known, **places, "networks": networks, "status": "ready"}
