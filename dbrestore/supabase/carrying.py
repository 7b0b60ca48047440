"""What of a dump goes into a new project of Supabase, in which the platform has filled schemas of its own.

https://supabase.com/docs/guides/platform/migrating-within-supabase/backup-restore: the platform makes those
schemas, their tables and its roles itself; of ``auth`` and ``storage`` the rows are the application's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

from dbrestore.logical.complaints import Complaint
from dbrestore.logical.database import of_database
from dbrestore.logical.entries import Entry
from dbrestore.logical.leaving import FEED, JOBS
from dbrestore.logical.presence import KINDS

ROWS_OF = ("auth", "storage")
"""Managed schemas whose rows are carried; what the services note about their own migrations is not."""
MANAGED = (
    *ROWS_OF, "_analytics", "_realtime", "_supavisor", "cron", "extensions", "graphql", "graphql_public",
    "net", "pgbouncer", "pgmq_public", "pgsodium", "pgsodium_masks", "pgtle", "realtime",
    "supabase_functions", "vault",
)  # fmt: skip
PLATFORM = (
    "supabase_admin", "supabase_auth_admin", "supabase_etl_admin", "supabase_functions_admin",
    "supabase_read_only_user", "supabase_realtime_admin", "supabase_replication_admin",
    "supabase_storage_admin", "pgbouncer", "pgsodium_keyholder", "pgsodium_keyiduser", "pgsodium_keymaker",
    "pgtle_admin",
)  # fmt: skip
"""Roles of the platform: what they own, a new project has already."""
ROLES = (*PLATFORM, "postgres", "anon", "authenticated", "authenticator", "dashboard_user", "service_role")
"""Every role that a new project comes with."""
SESSION = "SET session_replication_role = replica"
"""Rows of ``auth`` and ``storage`` go into tables whose keys and triggers exist already."""
_OWN = {("auth", "schema_migrations"), ("storage", "migrations")}
_HOOKS = {"TRIGGER", "POLICY"}
"""What an application may hang on the platform's tables."""
_NOT_LOADED = {
    "vault": "secrets are encrypted with the original's key: enter them anew",
    "cron": JOBS,
    "pgsodium": "keys stay with the original: make them anew",
}
_UNSUPPORTED = "needs a superuser, which Supabase does not give"


@dataclass(frozen=True)
class Carried:
    """The entries that are loaded, and in words what is left out although the application made it."""

    entries: tuple[Entry, ...]
    left: tuple[str, ...]


def carried(
    entries: Sequence[Entry], there: Set[tuple[str, str, str]], rows: Callable[[Entry], int]
) -> Carried:
    """Parted by what a new project has already. ``there``: its catalog; ``rows``: of a table's data."""
    taken, left = list[Entry](), list[str]()
    for entry in entries:
        here = (entry.kind, entry.schema, entry.name) in there
        if _taken(entry, here):
            taken.append(entry)
        elif why := _missed(entry, here, rows):
            left.append(f"{entry.label}: {why}")
    return Carried(tuple(taken), tuple(left))


def lost(entries: Sequence[Entry]) -> list[Complaint]:
    """What cannot be carried and has to be accepted by name, before anything is made."""
    return [
        Complaint("lossy", entry.label, _UNSUPPORTED)
        for entry in entries
        if entry.kind == "EVENT TRIGGER" and entry.owner not in PLATFORM
    ]


def _taken(entry: Entry, here: bool) -> bool:
    if entry.kind in ("EVENT TRIGGER", "SUBSCRIPTION", "DATABASE") or of_database(entry):
        return False
    if entry.kind == "PUBLICATION" or (entry.kind == "SCHEMA" and entry.name != "public"):
        return not here and entry.name not in MANAGED
    if entry.schema not in MANAGED:
        return not _of_platform(entry)
    if entry.kind in ("TABLE DATA", "SEQUENCE SET"):
        return entry.schema in ROWS_OF and (entry.schema, entry.name) not in _OWN
    return entry.kind in _HOOKS and not here


def _of_platform(entry: Entry) -> bool:
    """Default privileges and the like of the platform's roles, and what hangs on its schemas."""
    named = entry.name.partition(" ")[2] if entry.kind in ("ACL", "COMMENT") else ""
    return entry.owner in PLATFORM or (entry.schema == "" and named in MANAGED)


def _missed(entry: Entry, here: bool, rows: Callable[[Entry], int]) -> str:
    """Why the application's own is left out; empty for what the platform has or makes itself."""
    if entry.kind == "TABLE DATA" and entry.schema in _NOT_LOADED and (count := rows(entry)):
        return f"{count} rows: {_NOT_LOADED[entry.schema]}"
    if entry.kind == "SUBSCRIPTION":
        return FEED
    if entry.kind == "DATABASE PROPERTIES":
        return "settings of the database stay the new project's own"
    if entry.kind == "EVENT TRIGGER" and entry.owner not in PLATFORM:
        return _UNSUPPORTED
    ours = entry.kind in KINDS and entry.schema in MANAGED and not here
    return "is in a schema that Supabase manages, and the new project lacks it" if ours else ""
