"""A probe is one read-only statement of one value; everything else is refused in words."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from dbrestore.postgres.cluster import Cluster
from finding.probe import Probe, any_rows, existence
from problem import Misuse
from tests.support.servers import Postgres, scratch
from toolchain.postgres import find_binaries


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with scratch() as folder, Postgres(folder / "server") as running:
        running.execute('CREATE SCHEMA "Odd"; CREATE TABLE "Odd"."Ta ble" (id int)')
        running.execute("CREATE TABLE accounts (id int); CREATE VIEW seen AS SELECT * FROM accounts")
        yield running


@pytest.fixture
def cluster(server: Postgres) -> Cluster:
    return Cluster(server.data, find_binaries(), None, server.port, server.directory, "postgres")


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ("SELECT true", True),
        ("SELECT count(*) > 0 FROM accounts", False),
        ("SELECT NULL::boolean", False),
        ("SELECT 7", True),
        ("SELECT 0.0", False),
        ("TABLE nothing_of_that_name", False),
        ("SELECT unknown FROM accounts", False),
        ("SELECT 5 % 2 = 1", True),
    ],
)
def test_an_answer_is_true_or_false(cluster: Cluster, statement: str, answer: bool) -> None:
    assert Probe(statement, "postgres").ask(cluster) is answer


@pytest.mark.parametrize(
    ("statement", "name", "words"),
    [
        ("SELECT nothing FROM accounts", "probe-failed", "nothing"),
        ("SELEC 1", "probe-failed", "syntax error"),
        ("SELECT 1 / 0", "probe-failed", "division by zero"),
        ("SELECT true; SELECT true", "probe-failed", "multiple commands"),
        ("DELETE FROM accounts RETURNING true", "probe-writes", "read-only"),
        ("SELECT id FROM accounts", "probe-no-answer", "single value"),
        ("SELECT 'yes'::text", "probe-no-answer", "single value"),
        ("SELECT true, true", "probe-no-answer", "single value"),
    ],
)
def test_what_is_no_question_is_refused(cluster: Cluster, statement: str, name: str, words: str) -> None:
    with pytest.raises(Misuse, match=words) as refused:
        Probe(statement, "postgres").ask(cluster, first=True)
    assert refused.value.name == name
    assert refused.value.cure


def test_a_locked_table_is_no_answer(cluster: Cluster, server: Postgres) -> None:
    with psycopg.connect(server.url()) as other:
        other.execute("LOCK accounts IN ACCESS EXCLUSIVE MODE")
        assert Probe("SELECT count(*) = 0 FROM accounts", "postgres").ask(cluster) is None


def test_a_database_that_is_gone_makes_it_false_and_one_that_never_was_is_refused(cluster: Cluster) -> None:
    assert Probe("SELECT true", "nowhere").ask(cluster) is False
    with pytest.raises(Misuse, match="there is no database nowhere"):
        Probe("SELECT true", "nowhere").ask(cluster, first=True)


def test_the_tables_of_a_question_come_from_its_plan(cluster: Cluster) -> None:
    statement = 'SELECT EXISTS (SELECT FROM seen) AND (SELECT count(*) FROM "Odd"."Ta ble") = 0'
    assert Probe(statement, "postgres").tables(cluster) == [("Odd", "Ta ble"), ("public", "accounts")]
    assert Probe("SELEC", "postgres").tables(cluster) == []
    assert Probe("SELECT true", "nowhere").tables(cluster) == []


def test_questions_about_a_table_quote_its_name(cluster: Cluster) -> None:
    assert Probe(existence("Odd", "Ta ble"), "postgres").ask(cluster) is True
    assert Probe(existence("Odd", "other"), "postgres").ask(cluster) is False
    assert Probe(any_rows("Odd", "Ta ble"), "postgres").ask(cluster) is False
