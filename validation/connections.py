"""The one door to PostgreSQL: how connections are opened, and what its errors are in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from problem import Misuse, Problem

APPLICATION = "reforge-validate"
STATEMENT_TIMEOUT = timedelta(minutes=10)
CONNECT_TIMEOUT = 10  # seconds
Connection = psycopg.Connection[tuple[Any, ...]]


class Unreachable(Problem):
    """No connection could be made, or it broke."""


@dataclass(frozen=True)
class Address:
    """Which database a URL means, without anything secret."""

    host: str
    port: int
    database: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.database}"


def _parsed(url: str) -> dict[str, Any]:
    try:
        found = dict(conninfo_to_dict(url))
        # With a bare slash in the password, parts of it stand in the port and in the database's name.
        ports = [int(port) for port in str(found.get("port") or "").split(",") if port]
        if "@" in urlsplit(url).path or not all(0 < port < 65536 for port in ports):
            raise ValueError
        return found
    except (psycopg.Error, ValueError):  # its message may quote the URL, and with it the password
        raise Misuse(
            "database-url-unreadable",
            "the database URL cannot be read",
            "Write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE, special characters percent-encoded.",
        ) from None


def address(url: str) -> Address:
    """Where ``url`` points; raises Misuse when it is no PostgreSQL URL."""
    found = _parsed(url)
    host = found.get("host") or found.get("hostaddr") or "localhost"
    port = str(found.get("port") or "5432").split(",")[0]
    return Address(str(host), int(port), str(found.get("dbname") or found.get("user") or "postgres"))


def secrets(url: str | None) -> tuple[str, ...]:
    """The password of ``url`` in each spelling in which it could turn up in a text."""
    password = str(_parsed(url).get("password") or "") if url else ""
    return tuple(sorted({password, quote(password, safe="")} - {""}, key=len, reverse=True))


def connect(
    url: str,
    *,
    read_only: bool = True,
    statement_timeout: timedelta = STATEMENT_TIMEOUT,
    settings: Mapping[str, str] | None = None,
    at_startup: bool = True,
) -> Connection:
    """A connection to ``url``; read-only ones keep one snapshot, writing ones commit at once.

    What it sets, it sets while connecting, or with ``at_startup`` false afterwards: ``reset_val`` of
    pg_settings then stays what a session gets that sets nothing. Raises Unreachable with the reason.
    """
    given = _parsed(url)
    wanted = {
        "statement_timeout": f"{statement_timeout.total_seconds() * 1000:.0f}",
        "idle_in_transaction_session_timeout": "0",  # the snapshot is kept while a staging API is asked
        "TimeZone": "UTC",
        "default_transaction_read_only": "on" if read_only else "off",
        **(settings or {}),
    }
    at_once = (f"-c {k}={v}" for k, v in wanted.items()) if at_startup else ()
    options = " ".join([str(given.pop("options", None) or ""), *at_once])
    given.setdefault("connect_timeout", CONNECT_TIMEOUT)
    given["application_name"] = APPLICATION
    try:
        connection = psycopg.connect("", **given, options=options.strip(), autocommit=True)
        if not at_startup:
            _set(connection, wanted)
    except psycopg.Error as error:
        raise _unreachable(url, error) from None
    if read_only:
        connection.autocommit = False
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


def _set(connection: Connection, wanted: Mapping[str, str]) -> None:
    """Set what is wanted for the session, in one round trip."""
    calls = sql.SQL(", ").join(
        sql.SQL("set_config({}, {}, false)").format(name, value) for name, value in wanted.items()
    )
    connection.execute(sql.SQL("SELECT {}").format(calls))


def _unreachable(url: str, error: psycopg.Error) -> Unreachable:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[0].removeprefix("connection failed: ") if lines else type(error).__name__
    for secret in secrets(url):
        reason = reason.replace(secret, "***")
    if "startup parameter" in reason:
        cure = "Give the URL of PostgreSQL itself: a pooler does not pass on the read-only setting."
    else:
        cure = "Check that the server runs, that this address may reach it, and the user and password."
    return Unreachable("database-unreachable", f"cannot connect to {address(url)}: {reason}", cure)


def read_only_url(url: str) -> str:
    """``url`` for a program that shall only read: with default_transaction_read_only=on in each session."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query["options"] = f"{query.get('options', '')} -c default_transaction_read_only=on".strip()
    # libpq reads %20 as a space but not "+"
    return parts._replace(query=urlencode(query, quote_via=quote)).geturl()


def in_words(error: psycopg.Error) -> str:
    """What PostgreSQL complains of, in one line."""
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return "it tried to write, and this check is read-only (a check that may write says `write: true`)"
    if isinstance(error, errors.QueryCanceled):
        return f"{error.diag.message_primary or 'query cancelled'} (statement-timeout of the suite)"
    message = error.diag.message_primary or (str(error).strip().splitlines() or [type(error).__name__])[0]
    more = [text for text in (error.diag.message_detail, error.diag.message_hint) if text]
    return " — ".join([re.sub(r"\s+", " ", message), *more])


@contextmanager
def mapped(url: str, doing: str) -> Iterator[None]:
    """Turns PostgreSQL's errors of the block into Problem("query-failed"): ``doing`` says what was done."""
    try:
        yield
    except psycopg.Error as error:
        raise Problem("query-failed", f"{doing} failed on {address(url)}: {in_words(error)}") from error
