"""Sessions on a server whose settings are somebody else's, and servers that turn us away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from archive.sessions import SETTINGS
from dbrestore.postgres import sessions
from dbrestore.postgres.cluster import Cluster, Unanswered
from problem import Problem
from tests.support.servers import Postgres, account, folder, scratch
from toolchain.postgres import find_binaries


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with scratch() as place, Postgres(folder(place / "pg")) as made:
        made.execute("ALTER DATABASE template1 SET DateStyle = 'German, DMY'")
        made.execute("ALTER ROLE postgres SET default_transaction_isolation = 'serializable'")
        made.execute("ALTER ROLE postgres SET statement_timeout = '1ms'")
        yield made


def cluster(server: Postgres, user: str = "postgres") -> Cluster:
    return Cluster(server.data, find_binaries(), account(), server.port, server.directory, user)


def test_a_session_is_the_same_whatever_server_role_and_database_have_set(server: Postgres) -> None:
    with cluster(server).connect() as connection:
        found = connection.execute("SELECT now(), pg_sleep(0.05)").fetchone()
        assert found
        assert found[0].tzinfo is not None
        for name, value in SETTINGS.items():
            row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            assert row
            assert str(row[0]).startswith(value)


@pytest.mark.parametrize(("user", "database"), [("nobody-here", "template1"), ("postgres", "not-there")])
def test_a_server_that_says_no_for_good_is_not_waited_for_for_ever(
    server: Postgres, user: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "PATIENCE_SECONDS", 0.3)
    with pytest.raises(Problem, match="does not exist") as refused, cluster(server, user).connect(database):
        pass
    assert refused.value.name == "server-refused"


def test_a_server_that_is_gone_may_come_back_by_itself(server: Postgres) -> None:
    server.stop()
    with pytest.raises(Unanswered), cluster(server).connect():
        pass
    server.start()
    with cluster(server).connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_session_that_breaks_is_unanswered(server: Postgres) -> None:
    with pytest.raises(Unanswered):
        _ended_by_its_server(server)


def _ended_by_its_server(server: Postgres) -> None:
    with cluster(server).connect() as connection:
        server.execute(f"SELECT pg_terminate_backend({connection.info.backend_pid})")
        connection.execute("SELECT 1")
