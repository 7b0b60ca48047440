"""Suites run by Jobs: the same report as on this machine, whole or in parts, killed and gone on with."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest

from dbrestore.jobs import results
from dbrestore.jobs.running import Running
from dbrestore.jobs.settings import Cluster as Settings
from runner.validations import NearValidation
from tests.functional.kubernetes.cluster import Cluster
from tests.functional.runner.site import Site
from tests.functional.runner.test_loads import held, left_nothing, waiting
from tests.support.dumps import DATABASE
from tests.support.ground import wait_until
from tests.support.kubelet.node import IMAGE, Node
from validation.context import Subject
from validation.report import Report
from validation.runner import run
from validation.suite import parse

pytestmark = [pytest.mark.slow, pytest.mark.clouds]
SUITE = """
name: shop
checks:
- connectivity
- schema: {schema: shop, tables: [shop.users, shop.nothing]}
- row-counts: {tables: {shop.users: {exactly: 3000}, public.scratch: {exactly: 2}}}
- unique: {columns: {shop.users: [id]}}
- references
- sql: {name: events, query: "SELECT count(*) FROM shop.events", expect: 3000}
"""
LARGE = """
name: large
checks:
- sql:
    name: many
    query: "SELECT string_agg(md5(i::text), '') FROM generate_series(1, 2000) i"
    bounds: {at-least: 1}
"""
WRITES = (
    SUITE
    + """- sql: {name: written, write: true, query: "SELECT 1", expect: 1}
"""
)


@pytest.fixture
def database(site: Site) -> str:
    """The original as it is: what is validated need not have been restored."""
    return site.dumped.server.url(quote(DATABASE))


def near(cluster: Cluster, url: str, text: str = SUITE, **settings: Any) -> NearValidation:
    known = Settings.model_validate({"namespace": cluster.namespace, "image": IMAGE, **settings})
    return NearValidation("r", parse(text), Subject(url), known)


def finding(report: Report) -> dict[str, Any]:
    """What a report found, without when."""
    found: dict[str, Any] = report.document()["finding"]
    return {**found, "started-at": None}


@pytest.mark.parametrize("shards", [1, 3])
def test_a_validation_by_pods_gives_the_report_of_a_run_on_this_machine(
    cluster: Cluster, site: Site, at_work: Node, database: str, shards: int
) -> None:
    report = near(cluster, database, shards=shards).run(cluster.context)
    here = run(parse(SUITE), Subject(database))
    assert finding(report) == finding(here)
    assert [one.outcome for one in report.verdicts] == ["passed", "failed", "failed", *["passed"] * 3]
    assert len(at_work.jobs.made) == shards
    assert at_work.kubelet.containers[at_work.jobs.made[0]].spec["argv"] == [
        "python",
        "-m",
        "runner",
        "validate",
    ]
    assert left_nothing(cluster)


def test_a_report_that_is_larger_than_a_pods_status_comes_by_the_log(
    cluster: Cluster, at_work: Node, database: str
) -> None:
    report = near(cluster, database, LARGE).run(cluster.context)
    assert finding(report) == finding(run(parse(LARGE), Subject(database)))
    [container] = at_work.kubelet.containers.values()
    assert results.MARK in container.log
    assert len((container.folder / "termination-log").read_text()) < results.MESSAGE_BYTES


def test_a_suite_that_writes_is_run_by_one_pod(cluster: Cluster, at_work: Node, database: str) -> None:
    report = near(cluster, database, WRITES, shards=3).run(cluster.context)
    assert len(at_work.jobs.made) == 1
    assert report.verdicts[-1].outcome == "passed"


def test_a_validation_whose_pod_is_killed_is_begun_anew(
    cluster: Cluster, at_work: Node, database: str
) -> None:
    with (
        held(database, "LOCK TABLE shop.users IN ACCESS EXCLUSIVE MODE") as lock,
        ThreadPoolExecutor(1) as pool,
    ):
        end = pool.submit(near(cluster, database, shards=1).run, cluster.context)
        try:
            waiting(database, "reforge-validate")
            at_work.container("validate").kill()
            wait_until(lambda: len(at_work.jobs.made) == 2, 60, "a successor")
        finally:
            lock.rollback()
        assert finding(end.result()) == finding(run(parse(SUITE), Subject(database)))
    assert left_nothing(cluster)


def test_a_report_of_before_does_not_count(
    cluster: Cluster, at_work: Node, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = Running._remove
    monkeypatch.setattr(Running, "_remove", lambda _self: None)
    near(cluster, database, shards=1).run(cluster.context)  # as if killed once the Job was done
    monkeypatch.setattr(Running, "_remove", remove)
    first = cluster.all("Job")[0]["status"]["startTime"]
    report = near(cluster, database, shards=1).run(cluster.context)
    assert len(at_work.jobs.made) == 2
    assert report.started_at > datetime.fromisoformat(first)
    assert left_nothing(cluster)


def test_a_database_that_pods_cannot_reach_is_a_failed_check_as_it_is_here(
    cluster: Cluster, at_work: Node
) -> None:
    report = near(cluster, "postgresql://app:hunter22@127.0.0.1:1/shop").run(cluster.context)
    assert report.unreached is not None
    assert "hunter22" not in report.json()
