"""One among 100,000 transactions, with at most half of the bytes that bisection would copy."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from finding.answer import Answer
from tests.support.finding import History, history

HALF = 50_000


@pytest.fixture(scope="module")
def past() -> Iterator[History]:
    """Accounts emptied, and a balance spoilt by an update like all others, among 100,000 transactions."""
    with history(max_wal_size="4GB", autovacuum="off") as made:
        made.do("CREATE TABLE accounts (id int PRIMARY KEY, balance int); CREATE TABLE orders (id int)")
        made.do("INSERT INTO accounts SELECT g, 100 FROM generate_series(1, 1000) g")
        made.server.execute("ANALYZE")
        made.backup("monday")
        made.many(HALF // 2, "UPDATE accounts SET balance = balance + 1 WHERE id = 1 + n % 999")
        made.off = made.do("UPDATE accounts SET balance = -1 WHERE id = 1000")
        made.many(HALF // 2, "UPDATE accounts SET balance = balance + 1 WHERE id = 1 + n % 999")
        made.lock = made.do("DELETE FROM accounts")
        made.many(HALF // 2, "INSERT INTO orders VALUES (n)")
        made.many(HALF // 2, "INSERT INTO accounts VALUES (2000 + n, 0)")
        made.server.switch_wal()
        yield made


def told(what: str, answer: Answer, begun: float) -> Answer:
    effort = answer.effort
    print(  # the figures of docs
        f"{what}: transaction {answer.commit.xid} in {time.monotonic() - begun:.1f} s, "
        f"{effort.copied / 2**20:.0f} MiB copied in {effort.copies} copies, {effort.questions} questions, "
        f"{effort.wal_copied / 2**20:.0f} MiB of WAL laid in, bisection copies {effort.naive / 2**20:.0f} MiB"
    )
    return answer


@pytest.mark.slow
def test_the_one_that_emptied_the_table_is_read_in_wal(past: History) -> None:
    begun = time.monotonic()
    answer = told("by table", past.hunt_as_is().table("accounts", "emptied"), begun)
    assert answer.commit.xid == past.lock
    assert answer.effort.copied == 0


@pytest.mark.slow
def test_the_one_that_emptied_the_table_is_the_first_suspect_of_a_probe(past: History) -> None:
    begun = time.monotonic()
    answer = told("by probe", past.hunt_as_is().probe("SELECT count(*) > 0 FROM accounts"), begun)
    assert answer.commit.xid == past.lock
    assert (answer.effort.copies, answer.evidence) == (1, "asked")
    assert answer.effort.copied <= answer.effort.naive / 2


@pytest.mark.slow
def test_the_one_that_wal_cannot_tell_from_the_others_is_found_with_few_copies(past: History) -> None:
    begun = time.monotonic()
    probe = "SELECT min(balance) >= 0 FROM accounts"
    answer = told("not to be told apart", past.hunt_as_is().probe(probe), begun)
    assert answer.commit.xid == past.off
    assert answer.effort.copied <= answer.effort.naive / 2
    assert past.left() == []
