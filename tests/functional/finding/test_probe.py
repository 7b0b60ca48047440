"""Where WAL cannot tell, one throw-away restore is moved forward and asked; few others are made."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from finding.places import MARK, PREFIX
from finding.stretches import Window
from problem import Problem
from rehearsal.processes import postmasters
from tests.support.finding import History, history
from tests.support.servers import wait_until

ON = "SELECT value = 'on' FROM settings"


@pytest.fixture(scope="module")
def shared() -> Iterator[History]:
    """A setting that is on, and small transactions all over it and other tables; then it goes off."""
    with history() as made:
        made.do("CREATE TABLE settings (value text, version int); INSERT INTO settings VALUES ('on', 0)")
        made.do("CREATE TABLE accounts (id int); CREATE TABLE ledger (id int)")
        made.backup("monday")
        made.many(1500, "UPDATE settings SET version = n")
        made.do("INSERT INTO accounts VALUES (1)")
        made.off = made.do("UPDATE settings SET value = 'off'")
        made.many(1500, "UPDATE settings SET version = n")
        made.lock = made.do("TRUNCATE accounts")
        made.server.switch_wal()
        yield made


@pytest.fixture
def past(shared: History) -> Iterator[History]:
    made = replace(shared, told=[])
    yield made
    assert made.left() == []
    assert postmasters(made.restores) == []


def test_one_value_changed_among_thousands_of_like_transactions(shared: History, past: History) -> None:
    answer = past.hunt_as_is().probe(ON)
    assert answer.commit.xid == shared.off
    assert answer.evidence == "asked"
    assert answer.effort.copied <= answer.effort.naive / 2
    assert answer.effort.copies <= 6
    assert answer.target == ("--xid", str(shared.off), "--exclusive")
    assert answer.deeds.rows["public.settings"].updated == 1
    assert answer.before is not None
    assert answer.before.lsn < answer.commit.lsn


def test_a_truncate_is_the_first_suspect_and_takes_one_copy(shared: History, past: History) -> None:
    window = Window(after=past.server.execute("SELECT now()")[0][0].replace(year=2000))
    with pytest.raises(Problem, match="reaches") as beyond:
        past.hunt_as_is(window).probe("SELECT count(*) > 99 FROM accounts")
    assert beyond.value.name == "find-out-of-reach"
    off = past.hunt_as_is().probe(ON).commit
    answer = past.hunt_as_is(Window(after=off.time)).probe("SELECT count(*) > 0 FROM accounts")
    assert (answer.commit.xid, answer.effort.copies) == (shared.lock, 1)
    assert answer.effort.questions <= 6


def test_a_probe_that_never_turns_is_told_so(past: History) -> None:
    with pytest.raises(Problem, match="The probe is true to the end of the search, the commit of") as true:
        past.hunt_as_is().probe("SELECT true")
    assert true.value.name == "probe-true-to-the-end"
    with pytest.raises(Problem, match="The probe is false from the earliest moment on") as false:
        past.hunt_as_is().probe("SELECT false")
    assert false.value.name == "find-nothing"


def test_a_window_without_commits_is_out_of_reach(past: History) -> None:
    now = past.server.execute("SELECT now() + interval '1 h'")[0][0]
    with pytest.raises(Problem, match="No transaction was committed after") as empty:
        past.hunt_as_is(Window(after=now)).probe("SELECT true")
    assert empty.value.name == "find-nothing"


def test_where_a_lock_hides_the_table_the_transaction_that_held_it_is_named(shared: History) -> None:
    """A TRUNCATE whose lock is replayed long before its commit: nobody can look in between."""
    shared.do("INSERT INTO ledger SELECT generate_series(1, 10)")
    filled = shared.hunt().table("ledger", "changed").commit
    with psycopg.connect(shared.server.url()) as slow:
        row = slow.execute("SELECT pg_current_xact_id()::xid::text").fetchone()
        slow.execute("TRUNCATE ledger")
        shared.many(10, "UPDATE settings SET version = n")
        slow.commit()
    shared.do("INSERT INTO ledger VALUES (1)")
    answer = shared.hunt(Window(after=filled.time)).probe("SELECT count(*) >= 10 FROM ledger")
    assert row is not None
    assert answer.commit.xid == int(row[0])
    assert answer.between == 10
    assert shared.left() == []


def test_a_killed_search_is_cleared_by_the_next_one(shared: History, past: History) -> None:
    script = (
        "from pathlib import Path\n"
        "from tests.support.finding import History\n"
        f"History(Path({str(past.folder)!r}), None).hunt_as_is().probe({ON!r})\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": os.getcwd()})
    wait_until(lambda: postmasters(past.restores), 30, "a throw-away restore that runs")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [name for name in past.left() if name.startswith(PREFIX)]
    assert postmasters(past.restores)
    with pytest.raises(Problem, match="false from the earliest"):
        past.hunt_as_is().probe("SELECT false")
    assert any("which a killed run had left" in line for line in past.told)


def test_an_interrupt_leaves_nothing(past: History) -> None:
    def interrupt(line: str) -> None:
        if "question 2" in line:
            raise KeyboardInterrupt

    hunt = past.hunt_as_is()
    hunt.scene = replace(hunt.scene, tell=interrupt)
    with pytest.raises(KeyboardInterrupt):
        hunt.probe(ON)


def test_a_folder_that_is_not_ours_is_left_alone(shared: History) -> None:
    theirs = shared.restores / f"{PREFIX}theirs"
    theirs.mkdir(parents=True)
    (theirs / "precious").write_text("data")
    try:
        with pytest.raises(Problem, match="false from the earliest"):
            shared.hunt_as_is().probe("SELECT false")
        assert (theirs / "precious").read_text() == "data"
        assert not (theirs / MARK).exists()
    finally:
        shutil.rmtree(theirs)


def test_it_follows_the_wal_onto_another_timeline() -> None:
    with history() as past:
        past.do("CREATE TABLE settings (value text, version int); INSERT INTO settings VALUES ('on', 0)")
        past.backup("monday")
        past.many(20, "UPDATE settings SET version = n")
        past.server.switch_wal()
        past.server.stop()
        (past.server.data / "recovery.signal").touch()
        with (past.server.data / "postgresql.conf").open("a") as conf:
            conf.write(f"restore_command = 'cp {past.folder}/archive/%f %p'\n")
        past.server.start()
        wait_until(lambda: past.server.execute("SELECT NOT pg_is_in_recovery()")[0][0], 30, "the promotion")
        past.many(20, "UPDATE settings SET version = n")
        xid = past.do("UPDATE settings SET value = 'off'")
        past.many(20, "UPDATE settings SET version = n")
        answer = past.hunt().probe("SELECT value = 'on' FROM settings")
        assert (answer.commit.xid, answer.timeline) == (xid, 2)
        assert past.left() == []
