"""Loads by Jobs on a real API server and real PostgreSQL: killed at every joint, equal to a local load."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dbrestore.jobs import manifest, running
from dbrestore.jobs.loading import NearLoad
from dbrestore.logical.ledger import SCHEMA
from dbrestore.logical.steps import DATA, FINISH, OBJECTS
from problem import Problem
from tests.functional.kubernetes.cluster import Cluster
from tests.functional.runner.site import Site
from tests.support.ground import wait_until
from tests.support.kubelet.node import Node

pytestmark = [pytest.mark.slow, pytest.mark.clouds]
ROOT = Path(__file__).parents[3]
TABLES = 5


def left_nothing(cluster: Cluster) -> bool:
    assert cluster.all("Job") == []
    assert cluster.all("Pod") == []
    return [one["metadata"]["name"] for one in cluster.all("Secret")] == ["store"]


@contextmanager
def in_background(near: NearLoad, cluster: Cluster, lock: psycopg.Connection[Any]) -> Iterator[Future[Any]]:
    """The load at work beside the test, until the lock is let go at the latest."""
    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool.submit(near.run, cluster.context)
        finally:
            lock.rollback()


@contextmanager
def held(url: str, statement: str) -> Iterator[psycopg.Connection[Any]]:
    """An open transaction in which something that the load needs is taken; to be rolled back."""
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())
        try:
            yield connection
        finally:
            connection.rollback()


def waiting(url: str, application: str) -> int:
    """The session of a pod that waits for a lock; waits for it."""
    text = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = %s AND wait_event_type = 'Lock'"
    )

    def found() -> int:
        with psycopg.connect(url, autocommit=True) as connection:
            row = connection.execute(text.encode(), [application]).fetchone()
            return int(row[0]) if row else 0

    return int(wait_until(found, 60, f"{application} waiting for a lock"))


def files(site: Site, url: str) -> dict[str, int]:
    """In which file each table's rows lie: another one after every load."""
    text = (
        "SELECT relname, relfilenode FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE relkind = 'r' AND nspname IN ('public', 'shop')"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        return dict(connection.execute(text.encode()).fetchall())


@pytest.mark.parametrize("form", ["d", "c"])
def test_a_load_by_shards_equals_a_load_on_one_machine(
    cluster: Cluster, site: Site, at_work: Node, form: str
) -> None:
    with site.empty() as url:
        found = site.near(cluster, url, site.work(site.dump(form))).run(cluster.context)
        assert site.text(url) == site.loaded
    assert found["loadedTables"] == TABLES
    assert found["loadedRows"] == 9001
    assert left_nothing(cluster)


def test_a_pod_runs_the_jobs_own_command_with_its_variables_and_nothing_else(
    cluster: Cluster, site: Site, at_work: Node
) -> None:
    with site.empty() as url:
        near = site.near(cluster, url.replace("postgres@", "postgres:hunter22@"), site.work(site.dump("d")))
        near.step(OBJECTS, 1, cluster.context)
        [container] = at_work.kubelet.containers.values()
    assert container.spec["argv"] == ["python", "-m", "runner", "load", "objects"]
    assert set(container.spec["env"]) == {
        "PATH", "JOB_COMPLETION_INDEX", "REFORGE_CACHE", "REFORGE_FORMAT", "REFORGE_LOAD", "REFORGE_RESULT",
        "REFORGE_TARGET_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION",
    }  # fmt: skip
    assert "hunter22" not in json.dumps(container.spec["argv"])
    assert "hunter22" not in "".join(cluster.told)


def test_no_manifest_but_the_secret_has_the_password(cluster: Cluster, site: Site, at_work: Node) -> None:
    seen: list[str] = []

    def look(_line: str) -> None:
        seen.extend(json.dumps(one) for kind in ("Job", "Pod") for one in cluster.all(kind))

    context = cluster.context
    with site.empty() as url:
        near = site.near(cluster, url.replace("postgres@", "postgres:hunter22@"), site.work(site.dump("d")))
        near.step(OBJECTS, 1, type(context)("urn:test", look))
    assert any("reforge-r-load-objects" in one for one in seen)
    assert not any("hunter22" in one for one in seen)


def test_a_killed_pods_successor_loads_what_is_left_and_no_row_twice(
    cluster: Cluster, site: Site, at_work: Node
) -> None:
    place = site.dump("d")
    with site.empty() as url, site.fetching() as fetched:
        near = site.near(cluster, url, site.work(place, lots=1, jobs=1))
        near.step(OBJECTS, 1, cluster.context)
        # The smallest table comes last: the others are loaded by then.
        with (
            held(url, "LOCK TABLE public.scratch IN ACCESS SHARE MODE") as lock,
            in_background(near, cluster, lock) as end,
        ):
            waiting(url, "reforge data 0")
            before = files(site, url)
            at_work.container("data").kill()
            wait_until(lambda: len([one for one in at_work.jobs.made if "data" in one]) == 2, 60)
        found = end.result()
        after = files(site, url)
        assert site.text(url) == site.loaded
    assert {name for name in before if before[name] != after[name]} == {"scratch"}
    assert sorted(Counter(fetched).values()) == [1, 1, 1, 1, 2], "what is loaded is not fetched again"
    assert (found["loadedTables"], found["loadedRows"]) == (TABLES, 9001)
    assert left_nothing(cluster)


def test_half_made_objects_of_a_killed_pod_are_cleared(cluster: Cluster, site: Site, at_work: Node) -> None:
    with site.empty() as url:
        near = site.near(cluster, url, site.work(site.dump("d")))
        with (
            held(url, "CREATE TABLE public.scratch (mine int)") as lock,
            in_background(near, cluster, lock) as end,
        ):
            orphan = waiting(url, "reforge objects 0")
            at_work.container("objects").kill()
            gone = "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = %s"
            with psycopg.connect(url, autocommit=True) as look:
                wait_until(lambda: look.execute(gone.encode(), [orphan]).fetchone()[0], 60)  # type: ignore[index]
        end.result()
        assert site.text(url) == site.loaded
    assert left_nothing(cluster)


def test_a_killed_finish_is_gone_on_with(cluster: Cluster, site: Site, at_work: Node) -> None:
    with site.empty() as url:
        near = site.near(cluster, url, site.work(site.dump("d"), jobs=1))
        near.step(OBJECTS, 1, cluster.context)
        near.step(DATA, 3, cluster.context)
        with held(url, "SELECT FROM shop.users FOR SHARE") as lock, in_background(near, cluster, lock) as end:
            waiting(url, "reforge finish 0")
            at_work.container("finish").kill()
            wait_until(lambda: len([one for one in at_work.jobs.made if "finish" in one]) == 2, 60)
        end.result()
        assert site.text(url) == site.loaded
    assert left_nothing(cluster)


CONTROLLING = """
import json, sys
from dbrestore.handler import Context
from dbrestore.jobs.loading import LoadWork, NearLoad
from dbrestore.jobs.settings import Cluster
from dbrestore.logical.target import Target
from toolchain.postgres import find_binaries
given = json.load(sys.stdin)
work, cluster = LoadWork.model_validate(given["work"]), Cluster.model_validate(given["cluster"])
NearLoad(
    "r", work, given["url"], Target.of_url(given["url"], find_binaries()), cluster
).run(Context(""))
"""


def test_whoever_orders_the_load_may_be_killed_and_the_next_goes_on_with_the_same_job(
    cluster: Cluster, site: Site, at_work: Node
) -> None:
    with site.empty() as url:
        near = site.near(cluster, url, site.work(site.dump("d"), lots=1))
        near.step(OBJECTS, 1, cluster.context)
        with held(url, "LOCK TABLE public.scratch IN ACCESS SHARE MODE") as lock:
            given = {"work": near.work.wire(), "cluster": near.cluster.wire(), "url": url}
            with subprocess.Popen(
                [sys.executable, "-c", CONTROLLING], stdin=subprocess.PIPE, cwd=ROOT, text=True
            ) as process:
                assert process.stdin
                process.stdin.write(json.dumps(given))
                process.stdin.close()
                waiting(url, "reforge data 0")
                process.send_signal(signal.SIGKILL)
            [job] = cluster.all("Job")
            with in_background(near, cluster, lock) as end:
                name = job["metadata"]["name"]
                wait_until(lambda: any(f"going on with job {name}" in line for line in cluster.told), 60)
                assert cluster.get("Job", name)["metadata"]["uid"] == job["metadata"]["uid"]
                assert len([one for one in at_work.jobs.made if "data" in one]) == 1
        end.result()
        assert site.text(url) == site.loaded
    assert left_nothing(cluster)


def test_what_a_pod_fails_with_is_told_by_its_own_name_and_nothing_is_left(
    cluster: Cluster, site: Site, at_work: Node
) -> None:
    with site.empty() as url, pytest.raises(Problem, match="There is no dump") as caught:
        site.near(cluster, url, site.work(f"{site.bucket.url}/nothing")).run(cluster.context)
    assert caught.value.name == "dump-missing"
    assert left_nothing(cluster)
    assert len(at_work.jobs.made) == 1, "no other try would have helped"


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"image": "registry.invalid/nothing:1"}, "runner-image-missing"),
        ({"environment_from": ["nothing"]}, "runner-misconfigured"),
    ],
)
def test_a_pod_that_cannot_start_is_named_within_the_limit(
    cluster: Cluster, site: Site, at_work: Node, settings: dict[str, Any], name: str
) -> None:
    with site.empty() as url, pytest.raises(Problem) as caught:
        site.near(cluster, url, site.work(site.dump("d")), start_timeout=2, **settings).run(cluster.context)
    assert caught.value.name == name
    assert left_nothing(cluster)


def test_a_job_that_takes_too_long_is_ended_and_named(cluster: Cluster, site: Site, at_work: Node) -> None:
    with site.empty() as url, held(url, "CREATE SCHEMA shop"), pytest.raises(Problem) as caught:
        site.near(cluster, url, site.work(site.dump("d")), timeout=5).run(cluster.context)
    assert caught.value.name == "runner-deadline"
    assert left_nothing(cluster)


def test_an_interrupt_ends_the_pods_and_the_same_command_goes_on(
    cluster: Cluster, site: Site, at_work: Node
) -> None:
    with site.empty() as url:
        near = site.near(cluster, url, site.work(site.dump("d"), lots=1))
        near.step(OBJECTS, 1, cluster.context)
        with (
            held(url, "LOCK TABLE public.scratch IN ACCESS SHARE MODE") as lock,
            in_background(near, cluster, lock) as end,
        ):
            waiting(url, "reforge data 0")
            cluster.cancelled.set()
            with pytest.raises(Problem) as caught:
                end.result()
            assert caught.value.name == "interrupted"
            assert left_nothing(cluster)
        cluster.cancelled.clear()
        near.run(cluster.context)
        assert site.text(url) == site.loaded
        with psycopg.connect(url, autocommit=True) as connection:
            text = f"SELECT FROM pg_namespace WHERE nspname = '{SCHEMA}'"
            assert connection.execute(text.encode()).fetchall() == []


def test_progress_is_read_back_from_the_pods_logs(cluster: Cluster, site: Site, at_work: Node) -> None:
    with site.empty() as url:
        near = site.near(cluster, url, site.work(site.dump("d"), lots=1))
        with held(url, "CREATE SCHEMA shop") as lock, in_background(near, cluster, lock) as end:
            waiting(url, "reforge objects 0")
            wait_until(lambda: any("0 of 1 done; 0: making" in line for line in cluster.told), 30)
        end.result()
    assert any(f"0 of 1 done{', waiting for a pod'}" in line for line in cluster.told)


def test_a_job_of_somebody_else_under_our_name_is_left_alone(
    cluster: Cluster, site: Site, at_work: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "job_name", lambda *_words: "store")
    with site.empty() as url, pytest.raises(Problem) as caught:
        site.near(cluster, url, site.work(site.dump("d"))).run(cluster.context)
    assert caught.value.name == "runner-name-taken"
    assert left_nothing(cluster)


def test_pods_that_no_node_takes_are_named(cluster: Cluster, site: Site, at_work: Node) -> None:
    at_work.jobs.node, at_work.jobs.unschedulable = None, "0/3 nodes are available: 3 Insufficient memory."
    with site.empty() as url, pytest.raises(Problem, match="3 Insufficient memory") as caught:
        site.near(cluster, url, site.work(site.dump("d")), start_timeout=0.5).run(cluster.context)
    assert caught.value.name == "runner-unschedulable"
    assert left_nothing(cluster)


def test_a_job_that_gets_no_pods_is_named(cluster: Cluster, site: Site, at_work: Node) -> None:
    at_work.jobs.quota = True
    with site.empty() as url, pytest.raises(Problem) as caught:
        site.near(cluster, url, site.work(site.dump("d")), start_timeout=0.5).run(cluster.context)
    assert caught.value.name == "runner-no-pods"
    assert left_nothing(cluster)


def test_a_job_that_somebody_deletes_is_named_and_its_pods_are_ended(
    cluster: Cluster, site: Site, at_work: Node
) -> None:
    with site.empty() as url:
        near = site.near(cluster, url, site.work(site.dump("d")))
        with held(url, "CREATE SCHEMA shop") as lock, in_background(near, cluster, lock) as end:
            waiting(url, "reforge objects 0")
            [job] = cluster.all("Job")
            cluster.remove("Job", job["metadata"]["name"])
            with pytest.raises(Problem) as caught:
                end.result()
    assert caught.value.name == "runner-job-gone"
    assert left_nothing(cluster)


def test_a_database_that_does_not_let_the_pods_in_is_tried_again_and_then_named(
    cluster: Cluster, site: Site, at_work: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "_TRIES", 1)
    near = site.near(cluster, "postgresql://postgres@127.0.0.1:1/shop", site.work(site.dump("d")))
    with pytest.raises(Problem, match="pods come from") as caught:
        near.run(cluster.context)
    assert caught.value.name == "load-no-entry"
    assert len(at_work.jobs.made) == 2
    assert left_nothing(cluster)


def test_each_table_of_a_folder_is_fetched_once_and_by_one_pod(
    cluster: Cluster, site: Site, at_work: Node
) -> None:
    place = site.dump("d")
    with site.empty() as url, site.fetching() as fetched:
        site.near(cluster, url, site.work(place)).run(cluster.context)
    assert sorted(fetched) == sorted(set(fetched))
    assert len(fetched) == TABLES


def test_a_load_that_was_done_while_nobody_looked_is_found_done(
    cluster: Cluster, site: Site, at_work: Node
) -> None:
    with site.empty() as url:
        near = site.near(cluster, url, site.work(site.dump("d")))
        for step, pods in ((OBJECTS, 1), (DATA, 3)):
            near.step(step, pods, cluster.context)
        [first] = near.step(FINISH, 1, cluster.context)
        before = files(site, url)
        found = near.run(cluster.context)
        assert files(site, url) == before
        assert site.text(url) == site.loaded
    assert found == first
    assert found["loadedRows"] == 9001
