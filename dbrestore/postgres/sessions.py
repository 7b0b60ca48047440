"""Sessions on a server of ours by its private socket, the same whatever its own settings say."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo
from psycopg.rows import tuple_row

from archive.sessions import options

MAINTENANCE = "template1"
"""The one database that is always there: ``postgres`` can be dropped, the application's may be younger."""
PATIENCE_SECONDS = 15.0
"""How long a server may turn us away for reasons of its own (no free connection, say) before we give up."""

_WRITES = "-c default_transaction_read_only=off"


class TurnedAway(psycopg.Error):
    """The server takes connections, and not this one: no such role or database, no connection free."""


def connect(sockets: Path, port: int, database: str, user: str) -> psycopg.Connection[Any]:
    """A session in autocommit.

    psycopg.OperationalError where the server is starting, stopping or gone, which may pass by itself;
    ``TurnedAway`` where it has said no for ``PATIENCE_SECONDS``, which hardly will.
    """
    given = {"host": str(sockets), "port": str(port), "dbname": database, "user": user}
    conninfo = make_conninfo(
        **given,
        options=options(_WRITES),
        client_encoding="utf8",
        connect_timeout=10,
        application_name="reforge",
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return psycopg.connect(conninfo, autocommit=True, row_factory=tuple_row)
        except psycopg.OperationalError as error:
            # libpq keeps the error's code to itself; a ping tells "not now" from "not you" in any language.
            if pq.PGconn.ping(conninfo.encode()) != pq.Ping.OK:
                raise
            if time.monotonic() > deadline:
                raise TurnedAway(str(error)) from error
        time.sleep(0.2)
