"""A canary's connection string on a real PostgreSQL: sessions that are known by name and can only read."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.errors import ReadOnlySqlTransaction

from stacks.urls import for_canary
from tests.support.ground import scratch
from tests.support.postgres import Postgres

NAME = "api-reforge-canary"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with scratch() as path, Postgres(path / "pg") as server:
        yield server


@pytest.mark.parametrize("more", ["", "?options=-c%20search_path%3Dpublic%20-c%20work_mem%3D7MB"])
def test_its_sessions_only_read_and_keep_the_applications_own_options(server: Postgres, more: str) -> None:
    with psycopg.connect(for_canary(server.url() + more, NAME, writes=False)) as connection:
        row = connection.execute(
            "SELECT application_name, current_setting('default_transaction_read_only'),"
            " current_setting('work_mem') FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        ).fetchone()
        assert row == (NAME, "on", "7MB" if more else "4MB")
        with pytest.raises(ReadOnlySqlTransaction):
            connection.execute("CREATE TABLE t (n int)")


def test_one_that_may_write_is_known_by_its_name_all_the_same(server: Postgres) -> None:
    url = for_canary(f"{server.url()}?application_name=api", NAME, writes=True)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TEMPORARY TABLE t (n int)")
        assert connection.execute("SHOW application_name").fetchone() == (NAME,)
