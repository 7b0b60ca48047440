"""Whether a server lets somebody in, before anything relies on it."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg


def why_shut(parameters: Mapping[str, str]) -> str:
    """What a server says to who wants to connect with libpq's ``parameters``; empty where it lets in."""
    try:
        psycopg.connect(**{**parameters, "connect_timeout": "10"}).close()  # type: ignore[arg-type]  # texts
    except psycopg.OperationalError as error:
        return " ".join(str(error).split())
    return ""
