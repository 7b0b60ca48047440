"""URLs: what may be shown of them, and how a program is given a read-only one."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime

import pytest
from psycopg.conninfo import conninfo_to_dict

from problem import Misuse
from validation.connections import address, read_only_url, secrets
from validation.context import Subject

URL = "postgresql://app:p%40ss@db.example:5433/starforge?sslmode=require"


def test_an_address_has_no_secret() -> None:
    assert str(address(URL)) == "db.example:5433/starforge"
    assert str(address("postgresql://app@/x?host=/run/pg")) == "/run/pg:5432/x"
    assert str(address("postgresql://")) == "localhost:5432/postgres"


def test_a_password_is_removed_in_each_spelling() -> None:
    assert set(secrets(URL)) == {"p@ss", "p%40ss"}
    subject = Subject(URL, source_url="postgresql://app:other@a/b")
    assert subject.scrubbed("p@ss p%40ss other") == "*** *** ***"
    assert "ss@" not in repr(subject)


@pytest.mark.parametrize(
    "url",
    [
        "postgres:/app:hunter2@x",
        "postgresql://app:hunter2/x@db.example/shop",
        "postgresql://app:5/hunter2@db.example/shop",
        "postgresql://app:x@db.example:99999/hunter2",
    ],
)
def test_a_url_that_cannot_be_read_is_not_quoted(url: str) -> None:
    with pytest.raises(Misuse) as caught:
        address(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_read_only_url_keeps_what_the_url_said() -> None:
    found = conninfo_to_dict(read_only_url(URL + "&options=-c%20search_path%3Dapp"))
    assert found["options"] == "-c search_path=app -c default_transaction_read_only=on"
    assert found["password"] == "p@ss"
    assert found["sslmode"] == "require"
    assert found["dbname"] == "starforge"


def test_a_target_time_without_zone_is_refused() -> None:
    with pytest.raises(Misuse, match="has no zone"):
        Subject(URL, target_time=datetime(2025, 12, 3))


def test_the_package_itself_is_light() -> None:
    code = "import sys, validation; sys.exit('psycopg' in sys.modules or 'yaml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
