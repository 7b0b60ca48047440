"""Real servers for functional tests: PostgreSQL, pgbouncer and supervisord, each a context manager.

All listen on loopback or on a socket in their own folder. PostgreSQL and pgbouncer refuse to run as
root, so as root they run as the account that ``scratch`` gives the folder to.
"""

from __future__ import annotations

from tests.support.ground import account, as_account, folder, free_port, give, run, scratch, wait_until
from tests.support.pgbouncer import Pgbouncer
from tests.support.postgres import Postgres, postgres_tool
from tests.support.supervisord import Programs, Supervisord, UnixTransport

__all__ = [
    "Pgbouncer",
    "Postgres",
    "Programs",
    "Supervisord",
    "UnixTransport",
    "account",
    "as_account",
    "folder",
    "free_port",
    "give",
    "postgres_tool",
    "run",
    "scratch",
    "wait_until",
]
