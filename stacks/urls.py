"""Connection strings: a restored instance's differs from the original's in host and port alone."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit


def moved(url: str, host: str, port: float) -> str:
    """``url`` at another address; user, password, database and parameters stay as they are."""
    parts = urlsplit(url)
    credentials = parts.netloc.rpartition("@")[0]
    address = f"[{host}]" if ":" in host else host
    location = f"{address}:{int(port)}"
    return urlunsplit(parts._replace(netloc=f"{credentials}@{location}" if credentials else location))


def masked(url: str) -> str:
    """``url`` with stars for its password, for diffs and screens."""
    parts = urlsplit(url)
    credentials, at, place = parts.netloc.rpartition("@")
    user, colon, _ = credentials.partition(":")
    location = f"{user}:***@{place}" if colon else f"{user}{at}{place}"
    query = re.sub(r"(password=)[^&]*", r"\1***", parts.query, flags=re.IGNORECASE)
    return urlunsplit(parts._replace(netloc=location, query=query))


def is_postgres(url: str) -> bool:
    """Whether it is a connection URL that names one host, in a form whose parts can be told apart."""
    try:
        parts = urlsplit(url)
        # An unescaped / ? or # in a password ends the host early: the rest of it is then elsewhere.
        torn = "@" in parts.path + parts.query or parts.fragment or parts.port == 0
        return parts.scheme in ("postgresql", "postgres") and bool(parts.hostname) and not torn
    except ValueError:  # its words would quote the password
        return False


def address(url: str) -> tuple[str, int]:
    """Host and port of a connection string."""
    parts = urlsplit(url)
    return parts.hostname or "localhost", parts.port or 5432


def for_canary(url: str, name: str, writes: bool) -> str:
    """``url`` with sessions that are known by ``name``, and read-only unless they may write.

    As parameters of the URL, because more drivers obey those than libpq's environment variables.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | {"application_name": name}
    if not writes:
        query["options"] = f"{query.get('options', '')} -c default_transaction_read_only=on".strip()
    # libpq reads %20 as a space but not "+"
    return urlunsplit(parts._replace(query=urlencode(query, quote_via=quote)))
