"""Whether a server lets somebody in, before anything relies on it."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg.conninfo import make_conninfo


def why_shut(parameters: Mapping[str, str]) -> str:
    """What a server says to who wants to connect with libpq's ``parameters``; empty where it lets in."""
    try:
        psycopg.connect(make_conninfo("", **{**parameters, "connect_timeout": "10"})).close()
    except psycopg.OperationalError as error:
        return " ".join(str(error).split())
    return ""
