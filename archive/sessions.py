"""What sessions of ours set for themselves, so that a server's own defaults do not change what they see."""

from __future__ import annotations

SETTINGS = {
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "default_transaction_isolation": "read committed",  # a hot standby refuses serializable
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
"""A server, a role or a database may have others by default."""


def options(own: str = "") -> str:
    """``SETTINGS`` for libpq, then a URL's ``own``: stronger than ALTER SYSTEM, DATABASE or ROLE."""
    ours = (f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in SETTINGS.items())
    return " ".join([*ours, own]).rstrip()
