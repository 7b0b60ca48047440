"""What emptied, dropped or changed a table is read in WAL, and nothing is copied for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from archive.lsn import parse_lsn
from finding.answer import Answer
from finding.stretches import Window
from problem import Misuse, Problem
from tests.support.finding import History, history

TESTS = 12


@pytest.fixture(scope="module")
def shared() -> Iterator[History]:
    """Two tables for each test, in a schema of its own, in one base backup."""
    with history() as made:
        for number in range(TESTS):
            made.server.execute(
                f"""CREATE SCHEMA s{number}; SET search_path = s{number};
                CREATE TABLE accounts (id int PRIMARY KEY, note text); CREATE TABLE other (id int);
                INSERT INTO accounts SELECT g, 'x' FROM generate_series(1, 500) g; ANALYZE accounts"""
            )
        made.backup("monday")
        yield made


@pytest.fixture
def past(shared: History, schemas: Iterator[str]) -> History:
    """Accounts with 500 rows and others, and a few hundred small transactions since the base backup."""
    made = replace(shared, schema=next(schemas), told=[])
    made.many(200, "UPDATE accounts SET note = 'y' WHERE id = 1 + n")
    return made


@pytest.fixture(scope="module")
def schemas() -> Iterator[str]:
    return (f"s{number}" for number in range(TESTS))


def found(past: History, xid: int, answer: Answer) -> Answer:
    """The answer names the transaction, can be restored to, and nothing was copied or left."""
    assert answer.commit.xid == xid
    assert answer.target == ("--xid", str(xid), "--exclusive")
    assert answer.before is not None
    assert answer.before.lsn < answer.commit.lsn
    assert (answer.evidence, answer.effort.copied) == ("wal", 0)
    assert past.left() == []
    return answer


def test_a_delete_of_all_rows_among_others(past: History) -> None:
    past.do("DELETE FROM accounts WHERE id < 10")
    xid = past.do("DELETE FROM accounts")
    past.many(200, "INSERT INTO accounts VALUES (1000 + n)")
    answer = found(past, xid, past.hunt().table(f"{past.schema}.accounts", "lost"))
    assert answer.deed == "491 rows deleted"
    assert answer.deeds.rows[f"{past.schema}.accounts"].deleted == 491


def test_rows_deleted_in_a_subtransaction_are_its_transactions(past: History) -> None:
    xid = past.do("SAVEPOINT a; DELETE FROM accounts; RELEASE a; INSERT INTO other VALUES (1)")
    past.many(50, "INSERT INTO other VALUES (n)")
    answer = found(past, xid, past.hunt().table(f"{past.schema}.accounts", "emptied"))
    assert answer.deeds.rows[f"{past.schema}.other"].inserted == 1


def test_a_truncate_among_rewrites_and_rolled_back_ones(past: History) -> None:
    past.server.execute(f"VACUUM FULL {past.schema}.accounts")
    xid = past.do("TRUNCATE other, accounts")
    past.do("SAVEPOINT a; TRUNCATE accounts; ROLLBACK TO a; INSERT INTO accounts VALUES (1)")
    past.server.execute(f"CLUSTER {past.schema}.accounts USING accounts_pkey")
    answer = found(past, xid, past.hunt().table(f"{past.schema}.accounts", "emptied"))
    assert answer.deed == "truncated"
    assert f"{past.schema}.other" in answer.deeds.replaced


def test_a_drop_even_where_the_table_was_made_anew(past: History) -> None:
    past.do("ALTER TABLE accounts ALTER id TYPE bigint")
    xid = past.do("DROP TABLE accounts; CREATE TABLE accounts (id int)")
    past.do("INSERT INTO accounts VALUES (1)")
    answer = found(past, xid, past.hunt().table(f"{past.schema}.accounts", "dropped"))
    assert answer.deed == "dropped"


def test_the_transaction_that_changed_most(past: History) -> None:
    xid = past.do("UPDATE accounts SET note = 'all the same'")
    past.many(20, "UPDATE accounts SET note = 'z' WHERE id = 1 + n")
    answer = found(past, xid, past.hunt().table(f"{past.schema}.accounts", "changed"))
    assert answer.deed == "500 rows updated"
    assert len(answer.others) > 5


def test_what_happened_before_the_newest_backup_is_found_from_an_older_one(past: History) -> None:
    xid = past.do("DROP TABLE accounts")
    past.backup("tuesday")
    past.many(20, "INSERT INTO other VALUES (n)")
    answer = found(past, xid, past.hunt().table(f"{past.schema}.accounts", "lost"))
    assert answer.backup == "monday"


def test_a_partitioned_table_is_emptied_with_all_of_its_parts() -> None:
    with history() as past:
        past.do("CREATE TABLE parts (id int) PARTITION BY RANGE (id)")
        for part in range(3):
            past.do(f"CREATE TABLE p{part} PARTITION OF parts FOR VALUES FROM ({part}0) TO ({part + 1}0)")
        past.do("INSERT INTO parts SELECT generate_series(0, 29)")
        past.backup("monday")
        past.do("TRUNCATE p1")
        xid = past.do("TRUNCATE parts")
        past.do("INSERT INTO parts VALUES (1)")
        found(past, xid, past.hunt().table("parts", "lost"))
        gone = past.do("DROP TABLE parts")
        found(past, gone, past.hunt().table("parts", "lost"))


def test_a_window_leaves_out_what_lies_outside(past: History) -> None:
    first = past.do("TRUNCATE accounts")
    past.do("INSERT INTO accounts SELECT generate_series(1, 300)")
    second = past.do("TRUNCATE accounts")
    past.many(3, "INSERT INTO other VALUES (n)")
    later = found(past, second, past.hunt().table(f"{past.schema}.accounts", "emptied"))
    between = Window(before=later.commit.time)
    earlier = found(past, first, past.hunt(between).table(f"{past.schema}.accounts", "emptied"))
    assert [one.xid for one, _deed in later.others] == [first]
    with pytest.raises(Problem, match=r"No transaction emptied s\d+\.accounts after") as none:
        past.hunt(Window(earlier.commit.time, later.commit.time)).table(f"{past.schema}.accounts", "emptied")
    assert none.value.name == "find-nothing"


def test_an_unknown_table_is_refused_with_the_nearest_names(past: History) -> None:
    with pytest.raises(Misuse, match=r"No base backup has a table s0\.acounts") as wrong:
        past.hunt().table("s0.acounts", "lost")
    assert wrong.value.name == "table-unknown"
    assert "Did you mean s0.accounts," in wrong.value.cure


def test_single_deletions_leave_a_doubt_which_a_throw_away_restore_settles(past: History) -> None:
    past.many(300, "DELETE FROM accounts WHERE id = 1 + n")
    past.do("DELETE FROM accounts WHERE id BETWEEN 301 AND 400")
    xid = past.do("DELETE FROM accounts")
    past.do("INSERT INTO accounts VALUES (1)")
    past.do("DELETE FROM accounts")
    answer = past.hunt().table(f"{past.schema}.accounts", "emptied")
    assert answer.commit.xid == xid
    assert (answer.evidence, answer.effort.copies) == ("asked", 1)
    assert 0 < answer.effort.copied <= answer.effort.naive / 2
    assert past.left() == []


def test_asked_to_prove_it_a_throw_away_restore_is_made_in_any_case(past: History) -> None:
    xid = past.do("DROP TABLE accounts")
    past.many(20, "INSERT INTO other VALUES (n)")
    answer = past.hunt().table(f"{past.schema}.accounts", "dropped", ask=True)
    assert (answer.commit.xid, answer.evidence, answer.effort.copies) == (xid, "asked", 1)
    assert past.left() == []


def test_the_moment_is_where_the_transaction_was_committed(past: History) -> None:
    before = past.server.execute("SELECT pg_current_wal_insert_lsn()::text, now()")[0]
    past.do("TRUNCATE accounts")
    after = past.server.execute("SELECT pg_current_wal_insert_lsn()::text, now()")[0]
    commit = past.hunt().table(f"{past.schema}.accounts", "lost").commit
    assert parse_lsn(before[0]) < commit.lsn < parse_lsn(after[0])
    assert before[1] < commit.time < after[1]
