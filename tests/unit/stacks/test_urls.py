"""A restored instance's connection string differs from the original's in host and port alone."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as some

from stacks.urls import address, is_postgres, masked, moved

SAFE = some.text(some.characters(codec="utf-8"), min_size=1, max_size=12).map(
    lambda text: quote(text, safe="")
)


@given(user=SAFE, password=SAFE, database=SAFE, port=some.integers(1, 65535))
def test_everything_but_host_and_port_stays(user: str, password: str, database: str, port: int) -> None:
    url = f"postgresql://{user}:{password}@db.internal:5432/{database}?sslmode=require"
    assert is_postgres(url)
    there = urlsplit(moved(url, "10.0.0.9", float(port)))
    here = urlsplit(url)
    assert (there.hostname, there.port) == ("10.0.0.9", port)
    assert unquote(there.password or "") == unquote(here.password or "")
    assert (there.username, there.path, there.query) == (here.username, here.path, here.query)


@pytest.mark.parametrize(
    ("url", "host", "expected"),
    [
        ("postgresql://db/x", "::1", "postgresql://[::1]:5433/x"),
        ("postgres://u@[::1]:1/x", "127.0.0.1", "postgres://u@127.0.0.1:5433/x"),
        ("postgresql://u:p@db", "127.0.0.1", "postgresql://u:p@127.0.0.1:5433"),
    ],
)
def test_a_url_moves(url: str, host: str, expected: str) -> None:
    assert moved(url, host, 5433) == expected


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://u:p@db.internal:6543/x", ("db.internal", 6543)),
        ("postgresql://db.internal/x", ("db.internal", 5432)),
        ("postgresql://[::1]/x", ("::1", 5432)),
        ("postgresql:///x", ("localhost", 5432)),
    ],
)
def test_the_address_of_a_url_has_libpqs_defaults(url: str, place: tuple[str, int]) -> None:
    assert address(url) == place


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://app:hunter2@db:5432/x", "postgresql://app:***@db:5432/x"),
        ("postgresql://db:db@db/db", "postgresql://db:***@db/db"),
        ("postgresql://app:hun@ter2@db/x", "postgresql://app:***@db/x"),
        ("postgresql://app:@db/x", "postgresql://app:***@db/x"),
        ("postgresql://app@db/x?sslmode=require", "postgresql://app@db/x?sslmode=require"),
        ("postgresql://db/x?password=hunter2&a=b", "postgresql://db/x?password=***&a=b"),
        ("postgresql://db/x?sslPassword=hunter2", "postgresql://db/x?sslPassword=***"),
    ],
)
def test_a_url_is_shown_without_its_passwords(url: str, shown: str) -> None:
    assert masked(url) == shown
