"""A pod's work without a pod: the three steps in one process, on real PostgreSQL and an object store."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from dbrestore.handler import Context
from dbrestore.jobs.loading import LOAD, URL, LoadWork
from dbrestore.logical.archives import Passes
from dbrestore.logical.ledger import SCHEMA, forget
from dbrestore.logical.rows import Rows
from dbrestore.logical.target import Target
from problem import Problem, Refusal
from runner.loads import load
from runner.validations import SUITE, WORK, validate
from tests.functional.runner.site import Site
from tests.support.dumps import DATABASE
from tests.support.postgres import postgres_tool
from toolchain.postgres import find_binaries
from validation.merging import report_of


def step(
    name: str, work: LoadWork, url: str, index: int = 0, lines: list[str] | None = None
) -> Mapping[str, Any]:
    context = Context("", (lines if lines is not None else []).append)
    return load(name, {URL: url, LOAD: json.dumps(work.wire())}, index, context)


def loaded(work: LoadWork, url: str) -> Mapping[str, Any]:
    """All three steps; the notes dropped, as who orders a load does."""
    step("objects", work, url)
    for index in range(work.lots):
        step("data", work, url, index)
    found = step("finish", work, url)
    forget(Target.of_url(url, find_binaries()))
    return found


def piped(site: Site) -> str:
    """A custom archive that pg_dump wrote into a pipe: it does not say where its data lies."""
    command = [str(postgres_tool("pg_dump", site.dumped.server.major)), "-Fc", "-d", site.dumped.conninfo]
    dump = subprocess.run([*command, "--no-subscriptions"], stdout=subprocess.PIPE, check=True).stdout
    site.bucket.put(f"{site.bucket.url}/piped", dump)
    return f"{site.bucket.url}/piped"


@pytest.mark.parametrize("form", ["d", "c", "piped"])
def test_the_steps_come_to_what_one_load_comes_to(site: Site, form: str) -> None:
    place = piped(site) if form == "piped" else site.dump(form)
    with site.empty() as url:
        found = loaded(site.work(place, lots=2), url)
        assert site.text(url) == site.loaded
    assert (found["loadedTables"], found["loadedRows"]) == (5, 9001)


def test_each_step_may_be_done_again(site: Site) -> None:
    lines: list[str] = []
    with site.empty() as url:
        work = site.work(site.dump("d"), lots=1)
        for name in ("objects", "objects", "data", "data", "finish", "finish"):
            found = step(name, work, url, lines=lines)
        assert found["loadedRows"] == 9001
        forget(Target.of_url(url, find_binaries()))
        forget(Target.of_url(url, find_binaries()))
        assert site.text(url) == site.loaded
    assert any(line.startswith("0 of 5 tables; fetching") for line in lines)


def test_half_made_objects_are_cleared(site: Site) -> None:
    with site.empty() as url:
        work = site.work(site.dump("d"), lots=1)
        step("objects", work, url)
        site.execute(url, f"DELETE FROM {SCHEMA}.steps")
        site.execute(url, "SELECT lo_from_bytea(0, 'mine')")
        site.execute(url, "CREATE SCHEMA half CREATE TABLE made (a int); CREATE DOMAIN half AS int")
        loaded(work, url)
        assert site.text(url) == site.loaded


def test_a_finish_that_was_begun_does_not_make_again_what_is_there(site: Site) -> None:
    with site.empty() as url:
        work = site.work(site.dump("d"), lots=1)
        for name in ("objects", "data", "finish"):
            step(name, work, url)
        site.execute(url, f"DELETE FROM {SCHEMA}.steps WHERE name = 'settled'")
        site.execute(url, "DROP INDEX shop.odd_state")
        assert step("finish", work, url)["lost"] == []
        forget(Target.of_url(url, find_binaries()))
        assert site.text(url) == site.loaded


def test_half_a_table_is_not_taken_for_loaded_when_another_connection_is_lost(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = "".join(
        f"CREATE TABLE {name} AS SELECT i, repeat('x', 90) FROM generate_series(1, 20000) i;"
        for name in ("one", "two")
    )
    place, lost, take = site.dump_of("halves", tables), threading.Event(), Rows.take

    with site.empty() as url:

        def taken(rows: Rows) -> bytes:
            piece = take(rows)
            if rows.count and rows.entry.name == "one" and not lost.is_set():
                copying = "FROM pg_stat_activity WHERE query LIKE 'COPY public.one%'"
                site.execute(url, f"SELECT pg_terminate_backend(pid) {copying}")
                lost.set()
            elif rows.entry.name == "two":
                lost.wait(10)
                time.sleep(0.5)
            return piece

        work = site.work(place, lots=1, jobs=2)
        step("objects", work, url)
        with monkeypatch.context() as patched:
            patched.setattr(Rows, "take", taken)
            assert refused("data", work, url).name == "load-failed"
        assert site.execute(url, "SELECT count(*) FROM two WHERE i > 0") in ([(0,)], [(20000,)])
        step("data", work, url)
        assert step("finish", work, url)["loadedRows"] == 40000
        assert site.execute(url, "SELECT (SELECT count(*) FROM one), (SELECT count(*) FROM two)") == [
            (20000, 20000)
        ]


def test_rows_that_come_as_inserts_come_once_however_often_it_is_finished(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = "CREATE TABLE t AS SELECT i FROM generate_series(1, 100) i; CREATE INDEX ON t (i)"
    work = site.work(site.dump_of("inserts", made, "--inserts"), lots=1)
    with site.empty() as url:
        step("objects", work, url)
        step("data", work, url)
        for cut in ("bring", "build"):
            passes = getattr(Passes, cut)

            def killed(self: Passes, passes: Any = passes) -> Any:
                passes(self)
                raise Problem("load-failed", "The pod was killed.")

            with monkeypatch.context() as patched:
                patched.setattr(Passes, cut, killed)
                assert refused("finish", work, url).name == "load-failed"
        step("finish", work, url)
        assert site.execute(url, "SELECT count(*) FROM t") == [(100,)]


def refused(name: str, work: LoadWork, url: str) -> Problem:
    with pytest.raises(Problem) as caught:
        step(name, work, url)
    return caught.value


def test_no_step_runs_before_the_one_that_it_stands_on(site: Site) -> None:
    with site.empty() as url:
        work = site.work(site.dump("d"), lots=1)
        assert refused("data", work, url).name == "load-step-missing"
        assert refused("finish", work, url).name == "load-step-missing"
        step("objects", work, url)
        assert refused("finish", work, url).name == "rows-missing"


def test_a_database_with_something_in_it_is_not_loaded_into(site: Site) -> None:
    with site.empty() as url:
        site.execute(url, "CREATE TABLE precious (a int)")
        found = refused("objects", site.work(site.dump("d")), url)
        assert isinstance(found, Refusal)
        assert found.name == "target-not-empty"
        assert site.execute(url, f"SELECT FROM pg_namespace WHERE nspname = '{SCHEMA}'") == []


def test_half_a_load_of_something_else_is_not_gone_on_with(site: Site) -> None:
    with site.empty() as url:
        step("objects", site.work(site.dump("d")), url)
        assert refused("objects", site.work(site.dump("c")), url).name == "another-load"


def test_a_folder_that_lacks_a_tables_file_is_refused_before_anything_is_made(site: Site) -> None:
    path = site.dumped.dump("dump-d", "-F", "d", "--no-subscriptions")
    copy = path.with_name("torn")
    shutil.copytree(path, copy)
    data = sorted(one for one in copy.glob("*.dat.gz") if not one.name.startswith("blob"))
    data[0].unlink()
    place = site.bucket.fill(copy, "torn")
    with site.empty() as url:
        assert refused("objects", site.work(place), url).name == "dump-truncated"
        assert site.execute(url, f"SELECT FROM pg_namespace WHERE nspname = '{SCHEMA}'") == []


def test_a_pod_that_is_not_let_in_says_from_where_it_comes(site: Site) -> None:
    found = refused("objects", site.work(site.dump("d")), "postgresql://postgres@127.0.0.1:1/shop")
    assert found.name == "load-no-entry"
    assert "operators" in found.cure


def test_a_part_of_a_suite_is_validated(site: Site) -> None:
    suite = "name: parts\nchecks:\n- connectivity\n- schema: {schema: shop}\n- references\n"
    rest = json.dumps({"time": "2026-01-02T03:04:05+00:00", "standby": False, "parts": 2})
    url = site.dumped.server.url(DATABASE.replace('"', "%22").replace(" ", "%20"))
    found = validate({URL: url, SUITE: suite, WORK: rest}, 1, Context(""))
    report = report_of(found["report"])
    assert [one.name for one in report.verdicts] == ["connectivity", "references"]
    assert report.target_time is not None
    stopped = Context("")
    stopped.cancelled.set()
    with pytest.raises(Problem) as caught:
        validate({URL: url, SUITE: suite, WORK: rest}, 1, stopped)
    assert caught.value.name == "interrupted"
