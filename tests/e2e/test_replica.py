"""A standby is promoted instead of a restore: proposed, validated, cut over to under load, left again."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
import pytest

from rehearsal.driver import Driver
from rehearsal.enrol import enrol
from rehearsal.ledger import read_ledger
from rehearsal.site import Site
from tests.support.incident import settled_load, under_load
from tests.support.servers import scratch, wait_until
from tests.support.small_site import Project
from tests.support.standby import Standby

NAME, REPLICA = "switched", "standby-1"
PROMOTION = "dbrestore:replica:Promotion"


@dataclass(frozen=True)
class Ground:
    """A site with a standby of its original, and a project that knows both."""

    site: Site
    standby: Standby
    project: Project


@pytest.fixture
def ground() -> Iterator[Ground]:
    with made() as found:
        yield found


@contextmanager
def made() -> Iterator[Ground]:
    with scratch("reforge-e2e-") as home, Site.create(home) as site:
        folder = home / "project"
        folder.mkdir()
        enrol(site, Driver(folder, lambda _line: None))
        settings = {"max_connections": "80", "unix_socket_directories": "", "fsync": "on"}
        with Standby(home / "standby", site.record.superuser_url, settings=settings) as standby:
            project = Project(folder, site)
            keep(project, f"source.replicas.{REPLICA}.url", standby.url())
            keep(project, "source.admin-url", site.record.superuser_url)
            yield Ground(site, standby, project)
            wait_until(lambda: not project.left(), 15, f"the end of {project.left()}")
        shutil.rmtree(folder)


def keep(project: Project, path: str, secret: str) -> None:
    project.pulumi("config", "set", "--secret", "--path", f"reforge:{path}", secret)


def rows(url: str) -> Counter[str]:
    with psycopg.connect(url) as connection:
        return Counter(str(key) for (key,) in connection.execute("SELECT key FROM hero_snapshots"))


def read_only(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SHOW default_transaction_read_only").fetchone()
    return str(row[0]) if row else ""


def test_a_standby_is_promoted_under_load_and_left_again(ground: Ground) -> None:
    project, site, standby = ground.project, ground.site, ground.standby
    source = site.record.postgres_port
    [listed] = project.reforge("sources").document["replicas"]
    assert (listed["name"], listed["inRecovery"], listed["problem"]) == (REPLICA, True, "")

    said = project.reforge("restore", NAME, "--replica", REPLICA, "--fence", "--yes")
    assert "It is promoted at the cut-over" in said.text
    assert "archives (archive_mode on)" in said.text
    assert standby.in_recovery()
    said = project.reforge("validate", NAME, "--yes")
    assert "passed over: it writes" in said.text
    preview = project.pulumi("preview", "--diff", "--expect-no-changes").text

    site.start_load(writers=2, rate=40)
    with settled_load(site):
        with under_load(site) as felt:
            said = project.reforge("cutover", NAME, "--yes")
        assert project.served_port() == standby.port
        assert not standby.in_recovery()
        assert f"while {REPLICA} was promoted" in said.text
        assert felt[0].failed == 0
        assert felt[0].stall_ms < 5000
        wait_until(lambda: sum(entry.server == standby.port for entry in read_ledger(site.ledger)) > 20, 30)
        assert read_only(site.record.source_url) == "on"
        preview += project.pulumi("preview", "--diff", "--expect-no-changes").text
        left = datetime.now(UTC)
        with under_load(site) as felt:
            said = project.reforge("rollback", "--yes")
        assert felt[0].failed == 0
        assert project.served_port() == source
        assert said.document["parted"] is True
        assert f"{REPLICA} and the source have parted" in said.text
        assert "hero_snapshots" in str(said.document["written_since_cutover"])
        assert read_only(site.record.source_url) == "off"

    entries = list(read_ledger(site.ledger))
    assert {entry.server for entry in entries} == {source, standby.port}
    promoted, original = rows(url_of(project)), rows(site.record.source_url)
    assert max(promoted.values()) == max(original.values()) == 1
    for entry in entries:
        if entry.server == standby.port or entry.acknowledged_at < left:
            assert promoted[entry.key] == 1, f"acknowledged by {entry.server} before the return"
        if entry.server == source:
            assert original[entry.key] == 1
    assert "clients went on with the original" in project.reforge("cutover", NAME, "--yes", expect=1).text
    assert project.served_port() == source
    project.reforge("rollback", "--yes")

    said = project.reforge("teardown", NAME, "--yes")
    assert f"{REPLICA} is forgotten and left running as a primary" in said.text
    assert rows(standby.url("starforge")) == promoted
    assert project.status["state"] == "normal"
    secrets = (site.record.superuser_password, site.record.password)
    kept = [path.read_text(errors="replace") for path in project.folder.rglob("*") if path.is_file()]
    assert not [secret for secret in secrets for text in (preview, said.text, *kept) if secret in text]


def url_of(project: Project) -> str:
    return str(project.reforge("env", NAME, "--show").document["url"])


@pytest.mark.slow
def test_writers_beside_the_route_have_to_stop_first(ground: Ground) -> None:
    project, standby = ground.project, ground.standby
    project.reforge("restore", NAME, "--replica", REPLICA, "--yes")
    project.reforge("validate", NAME, "--waive", "a switch-over that was planned", "--yes")
    refused = project.reforge("cutover", NAME, "--yes", expect=1)
    assert "would be lost" in refused.text
    assert "reforge pause" in refused.text
    assert standby.in_recovery()
    project.reforge("rollback", "--yes")
    project.reforge("pause", "--yes")
    project.reforge("cutover", NAME, "--yes")
    project.reforge("resume", "--yes")
    assert (project.served_port(), project.workers()) == (standby.port, 3)
    assert "recovered" in project.status["state"]
    assert PROMOTION in project.pulumi("stack", "export").text
    refused = project.reforge("teardown", NAME, "--yes", expect=3)
    assert "serves the application" in refused.text
    project.reforge("rollback", "--yes")
    project.reforge("teardown", NAME, "--yes")
