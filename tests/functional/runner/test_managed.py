"""The resource of a load, with a runner: a new database of somebody else's server, filled by pods."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dbrestore.loading.database import LOADED, Place
from dbrestore.loading.dump import Dump
from dbrestore.loading.inputs import GivenDump, Loading
from dbrestore.loading.load import Load
from problem import Misuse, Problem
from tests.functional.kubernetes.cluster import Cluster, documented_role
from tests.functional.runner.site import Site
from tests.functional.runner.test_loads import held, left_nothing
from tests.support.dumps import PASSWORD
from tests.support.ground import wait_until
from tests.support.kubelet.node import IMAGE, Node
from tests.support.managed import Managed

pytestmark = [pytest.mark.slow, pytest.mark.clouds]
DATABASE = "starforge"


@pytest.fixture(scope="module")
def url(site: Site) -> str:
    """A dump with what a copy is not given, too."""
    path = site.dumped.dump("whole-d", "-F", "d")
    return site.bucket.fill(path, path.name)


def said(cloud: Managed, site: Site, url: str, runner: dict[str, Any] | None, **options: Any) -> Loading:
    given = {"name": "r", "place": url, "storage": dict(site.bucket.options), "url": cloud.url(DATABASE)}
    given |= {"user": "app", "password": PASSWORD, "createRoles": True, "runner": runner}
    return Loading.model_validate(given | options)


def runner(cluster: Cluster) -> dict[str, Any]:
    return {"namespace": cluster.namespace, "image": IMAGE, "environmentFrom": ["store"], "shards": 2}


def test_a_load_by_pods_gives_the_database_of_a_load_from_here(
    cluster: Cluster, site: Site, at_work: Node, cloud: Managed, url: str
) -> None:
    _, here = Load().create(cluster.context, said(cloud, site, url, None))
    expected = site.text(cloud.keeps(DATABASE))
    cloud.empty()
    inputs = said(cloud, site, url, runner(cluster))
    identity, near = Load().create(cluster.context, inputs)
    assert site.text(cloud.keeps(DATABASE)) == expected
    same = ("loadedRows", "loadedTables", "comparedObjects", "lost", "left", "dumpOf", "status")
    assert {name: near[name] for name in same} == {name: here[name] for name in same}
    assert left_nothing(cluster)
    made = len(at_work.jobs.made)
    assert Load().create(cluster.context, inputs)[1]["status"] == "loaded"
    assert len(at_work.jobs.made) == made, "what is loaded is not loaded again"
    assert identity == "r"


def test_a_load_that_was_interrupted_goes_on_in_the_database_that_it_has_begun(
    cluster: Cluster, site: Site, at_work: Node, cloud: Managed, url: str
) -> None:
    inputs, lock_of = said(cloud, site, url, runner(cluster)), cloud.keeps(DATABASE)
    Load().create(cluster.context, inputs)
    expected = site.text(lock_of)
    cloud.empty()
    with ThreadPoolExecutor(1) as pool:
        starting = "load-data"
        first = pool.submit(Load().create, cluster.context, inputs)
        count = len([one for one in cluster.told if starting in one])
        wait_until(lambda: len([one for one in cluster.told if starting in one]) > count, 60, "the rows' Job")
        oid = "SELECT oid FROM pg_database WHERE datname = current_database()"
        with held(lock_of, "LOCK TABLE shop.users IN ACCESS SHARE MODE") as lock:
            begun = lock.execute(oid).fetchall()
            cluster.cancelled.set()
            with pytest.raises(Problem) as caught:
                first.result()
            assert caught.value.name == "interrupted"
    cluster.cancelled.clear()
    Load().create(cluster.context, inputs)
    with held(lock_of, "SELECT 1") as look:
        assert look.execute(oid).fetchall() == begun
    assert site.text(lock_of) == expected
    assert left_nothing(cluster)


def test_a_dump_of_this_machine_is_refused_before_anything_is_made(
    cluster: Cluster, site: Site, at_work: Node, cloud: Managed
) -> None:
    path = str(site.dumped.dump("whole-d", "-F", "d"))
    with pytest.raises(Misuse) as caught:
        Load().create(cluster.context, said(cloud, site, path, runner(cluster)))
    assert caught.value.name == "dump-out-of-reach"
    assert at_work.jobs.made == []


def test_a_plain_dump_is_refused_before_anything_is_made(
    cluster: Cluster, site: Site, at_work: Node, cloud: Managed
) -> None:
    path = site.dumped.dump("plain.sql", "-F", "p")
    site.bucket.put(f"{site.bucket.url}/plain.sql", path.read_bytes())
    with pytest.raises(Misuse) as caught:
        Load().create(cluster.context, said(cloud, site, f"{site.bucket.url}/plain.sql", runner(cluster)))
    assert caught.value.name == "dump-not-divisible"
    assert at_work.jobs.made == []


@pytest.mark.parametrize(
    ("form", "namespace", "name"),
    [("d", "default", "kubernetes-forbidden"), ("p", None, "dump-not-divisible")],
)
def test_what_pods_cannot_load_is_refused_while_the_dump_is_looked_at(
    cluster: Cluster, site: Site, form: str, namespace: str | None, name: str
) -> None:
    cluster.allow(documented_role("runner"))
    path = site.dumped.dump(f"look-{form}", "-F", form)
    place = f"{site.bucket.url}/look-{form}"
    if path.is_dir():
        site.bucket.fill(path, path.name)
    else:
        site.bucket.put(place, path.read_bytes())
    given = {"name": "r", "place": place, "storage": dict(site.bucket.options), "createRoles": True}
    given |= {"version": "18", "room": 2**40, "platform": "rds"}
    given["runner"] = {**runner(cluster), **({"namespace": namespace} if namespace else {})}
    with pytest.raises(Problem) as caught:
        Dump().examine(cluster.context, GivenDump.model_validate(given))
    assert caught.value.name == name


def test_what_pods_finished_while_nobody_looked_is_not_loaded_again(
    cluster: Cluster, site: Site, at_work: Node, cloud: Managed, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = said(cloud, site, url, runner(cluster))

    def killed(place: Place, phase: str) -> None:
        if phase == LOADED:
            raise KeyboardInterrupt
        mark(place, phase)

    mark = Place.mark
    monkeypatch.setattr(Place, "mark", killed)
    with pytest.raises(KeyboardInterrupt):
        Load().create(cluster.context, inputs)
    monkeypatch.setattr(Place, "mark", mark)
    oid = "SELECT oid FROM pg_database WHERE datname = current_database()"
    with held(cloud.keeps(DATABASE), oid) as look:
        before = look.execute(oid).fetchall()
    Load().create(cluster.context, inputs)
    with held(cloud.keeps(DATABASE), oid) as look:
        assert look.execute(oid).fetchall() == before
        assert look.execute("SELECT FROM pg_namespace WHERE nspname = 'reforge_load'").fetchall() == []
