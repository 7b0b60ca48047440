"""The application's connection string at another project: other host, port and role, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from stacks.urls import address, moved

POOLER, TRANSACTION = ".pooler.supabase.com", 6543


def connection_of(url: str) -> str:
    """How a connection string reaches its project: session, transaction or direct.

    https://supabase.com/docs/guides/database/connecting-to-postgres: the role at the pooler is ROLE.REF.
    """
    host, port = address(url)
    if port == TRANSACTION:
        return "transaction"
    return "session" if host.endswith(POOLER) or "." in role_at(url) else "direct"


def role_at(url: str) -> str:
    """The user as the connection string has it, with the pooler's suffix."""
    return unquote(urlsplit(url).username or "postgres")


def role_of(url: str, ref: str) -> str:
    """The role in the database."""
    return role_at(url).removesuffix(f".{ref}")


def placed(url: str, ref: str, place: Mapping[str, Any]) -> str:
    """``url`` at another project's ``place``: its host, its port, and the suffix of roles there."""
    parts = urlsplit(moved(url, place["host"], place["port"]))
    role = quote(role_of(url, ref) + place["suffix"], safe="")
    password = urlsplit(url).password
    secret = f":{password}" if password is not None else ""
    return urlunsplit(parts._replace(netloc=f"{role}{secret}@{parts.netloc.rpartition('@')[2]}"))
