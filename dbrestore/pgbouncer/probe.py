"""Whether a target takes the application, asked before any client is made to wait for it."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import psycopg

from problem import Misuse, Refusal

_SECONDS = 5
_ASKED = "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')::bool"
_CURE = (
    "Clients still reach the old server. See `reforge status`; start or correct the target, then run again."
)


def probe_url(url: str, promotable: bool = False, encryption: Mapping[str, str] | None = None) -> bool:
    """Connect as the application would, with ``encryption`` as pgbouncer does; whether it may write there.

    Refusal where it cannot, or the server is in recovery and not ``promotable`` (about to be promoted).
    """
    try:
        parameters: dict[str, Any] = {"connect_timeout": _SECONDS, **(encryption or {})}
        with closing(psycopg.connect(url, autocommit=True, **parameters)) as connection:
            found = connection.execute(_ASKED).fetchone()
            place = f"{connection.info.host}:{connection.info.port}"
    except psycopg.OperationalError as error:
        why = " ".join(str(error).split())
        raise Refusal(
            "target-refuses", f"The new target does not take the application: {why}", _CURE
        ) from error
    except psycopg.Error:
        raise Misuse("target-url", "`url` is not a connection string.", "Write postgresql://...") from None
    in_recovery, read_only = found or (False, False)
    if in_recovery and not promotable:
        what = f"The new target {place} is in recovery: it would refuse every write."
        raise Refusal("target-in-recovery", what, _CURE)
    return not read_only


def probe_port(host: str, port: int) -> None:
    """Without the application's URL: something must listen there."""
    try:
        if host.startswith("/"):
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(_SECONDS)
                probe.connect(f"{host}/.s.PGSQL.{port}")
        else:
            socket.create_connection((host, port), timeout=_SECONDS).close()
    except OSError as error:
        what = f"Nothing takes connections at the new target {host}:{port}: {error.strerror or error}."
        raise Refusal("target-refuses", what, _CURE) from error
