"""The checks that write: what they prove, and that they leave nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from problem import Problem
from tests.functional.validation.conftest import StarForge
from tests.support.servers import wait_until
from validation.samples import Samples

INSERT = "INSERT INTO hero_snapshots (user_id) VALUES (1) RETURNING id, user_id"
READ = "SELECT id FROM hero_snapshots WHERE id = %(id)s AND user_id = %(user_id)s"
CLEANUP = [
    "DELETE FROM user_profile_summary WHERE user_id = %(user_id)s",
    "DELETE FROM hero_snapshots WHERE id = %(id)s",
]
WORKER = {"command": [sys.executable, str(Path(__file__).with_name("worker.py"))]}
PROCESSED = (
    "SELECT processed_at IS NOT NULL AND EXISTS (SELECT FROM user_profile_summary "
    "WHERE user_id = %(user_id)s) FROM hero_snapshots WHERE id = %(id)s"
)


def write(**options: Any) -> str:
    return json.dumps({"write": {"write": True, "insert": INSERT, "read": READ, **options}})


def etl(mode: str = "", **options: Any) -> str:
    worker = {**WORKER, "environment": {"MODE": mode}}
    return json.dumps(
        {"etl": {"write": True, "worker": worker, "insert": INSERT, "expect": PROCESSED, **options}}
    )


def snapshots(starforge: StarForge) -> int:
    return int(starforge.execute("SELECT count(*) FROM hero_snapshots")[0][0])


@pytest.mark.parametrize("cleanup", [[], CLEANUP])
def test_a_row_is_written_read_back_and_not_left(starforge: StarForge, cleanup: list[str]) -> None:
    assert starforge.passes(write(cleanup=cleanup)).facts == {"committed": bool(cleanup)}
    assert snapshots(starforge) == 20


@pytest.mark.parametrize("cleanup", [[], CLEANUP])
def test_a_row_that_cannot_be_read_back_is_told(starforge: StarForge, cleanup: list[str]) -> None:
    said = starforge.failure(write(read="SELECT id FROM users WHERE id = -%(id)s", cleanup=cleanup))
    assert said == "the row was written, but `read` does not find it"
    assert snapshots(starforge) == 20


def test_a_cleanup_that_does_not_clean_is_told_and_its_other_statements_run(starforge: StarForge) -> None:
    said = starforge.failure(write(cleanup=["SELECT 'nothing %'"]))
    assert said.startswith("the written row is still there: {'id': 21")
    starforge.execute("DELETE FROM hero_snapshots WHERE id = 21")
    said = starforge.failure(write(cleanup=["DELETE FROM nope", *CLEANUP]))
    assert said == 'relation "nope" does not exist'
    assert snapshots(starforge) == 20


def test_an_instance_that_refuses_writes_fails_the_check(starforge: StarForge) -> None:
    starforge.execute("ALTER TABLE hero_snapshots ADD CONSTRAINT closed CHECK (id < 10) NOT VALID")
    said = starforge.failure(write())
    assert said.startswith('new row for relation "hero_snapshots" violates check constraint "closed"')
    assert snapshots(starforge) == 20


def test_an_insert_must_say_what_it_made(starforge: StarForge) -> None:
    said = starforge.failure(write(insert="INSERT INTO hero_snapshots (user_id) VALUES (1)"))
    assert "`insert` returned 0 rows" in said
    assert "RETURNING id" in said


@pytest.mark.parametrize("mode", ["", "once"])
def test_a_single_worker_processes_a_sample(starforge: StarForge, mode: str) -> None:
    found = starforge.passes(etl(mode, cleanup=CLEANUP))
    assert found.facts == {"fatal-lines": 0, "cleaned": True}
    assert snapshots(starforge) == 20
    assert starforge.execute("SELECT count(*) FROM hero_snapshots WHERE processed_at IS NULL") == [(0,)]
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    wait_until(lambda: starforge.execute(query) == [(1,)], what="the worker's session being gone")


def test_a_sample_that_is_not_processed_is_told_and_cleaned(starforge: StarForge) -> None:
    said = starforge.failure(etl("idle", timeout="300ms", cleanup=CLEANUP))
    assert said.startswith("the sample was not processed within 0.3s: `SELECT processed_at IS NOT NULL")
    assert snapshots(starforge) == 20


def test_a_worker_that_logs_a_fatal_line_fails_the_check(starforge: StarForge) -> None:
    assert starforge.failure(etl("loud")) == "the worker's log: FATAL: cannot reach the queue"
    starforge.passes(etl("loud", fatal="PANIC"))


def test_a_worker_that_ends_is_told_with_its_last_words(starforge: StarForge) -> None:
    said = starforge.failure(etl("leave"))
    assert said == (
        "the worker ended before the sample was processed: exit code 1; its last lines: nothing to do"
    )


def test_a_worker_that_processes_and_crashes_fails_the_check(starforge: StarForge) -> None:
    starforge.execute(
        "CREATE FUNCTION slow() RETURNS boolean LANGUAGE sql AS 'SELECT pg_sleep(2) IS NOT NULL'"
    )
    said = starforge.failure(etl("crash", expect=f"{PROCESSED} AND slow()"))
    assert said.startswith("the worker failed: exit code 1")


KILLED = """
import sys
from pathlib import Path
from validation.runner import Subject, run
from validation.suite import load
run(load(Path(sys.argv[1])), Subject(sys.argv[2], samples=Path(sys.argv[3])))
"""


def test_the_next_validation_removes_the_sample_of_a_killed_one(starforge: StarForge, tmp_path: Path) -> None:
    suite, note = tmp_path / "suite.yaml", tmp_path / "samples" / "note.json"
    check = json.loads(etl("idle", cleanup=CLEANUP, expect="SELECT false"))
    suite.write_text(json.dumps({"name": "killed", "checks": [check]}))
    words = [sys.executable, "-c", KILLED, str(suite), starforge.url, str(note)]
    with subprocess.Popen(words) as validation:
        wait_until(lambda: snapshots(starforge) == 21, 30, "the sample")
        validation.kill()
    assert note.exists()
    assert Samples(note).clear(starforge.url)
    assert (snapshots(starforge), note.exists()) == (20, False)
    assert not Samples(note).clear(starforge.url)


def test_a_sample_that_cannot_be_removed_is_named_and_noted(starforge: StarForge, tmp_path: Path) -> None:
    note = tmp_path / "note.json"
    note.write_text(json.dumps({"cleanup": ["DELETE FROM nope"], "row": {"id": 5}}))
    with pytest.raises(Problem, match=r"sample \{'id': 5\}") as raised:
        Samples(note).clear(starforge.url)
    assert (raised.value.name, note.exists()) == ("sample-left", True)
