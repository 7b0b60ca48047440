"""A restore from a dump by the command line: refused with its cure, made, validated, cut over, torn down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from rehearsal.site import Site
from tests.support.postgres import postgres_tool
from tests.support.servers import folder, run, scratch
from tests.support.small_site import Ground, Project

NAME = "from-dump"


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    """StarForge with a dump of before the accident."""
    with scratch("reforge-e2e-") as home, Site.create(home) as site:
        dumps = folder(home / "dumps")
        run(
            [
                str(postgres_tool("pg_dump")),
                "-Fc",
                "-f",
                str(dumps / "app.dump"),
                "-d",
                site.record.superuser_url,
            ]
        )
        site.base_backup("monday")
        ground = Ground(home, site, site.accident())
        site.switch_wal()
        ground.init(ground.template)
        yield ground


@pytest.fixture
def project(ground: Ground) -> Iterator[Project]:
    with ground.project("project") as project:
        yield project


@pytest.fixture
def dump(ground: Ground) -> Path:
    return ground.home / "dumps/app.dump"


def rows(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM user_troops").fetchone()
    return int(row[0]) if row else 0


def test_a_dump_is_restored_validated_cut_over_and_torn_down(project: Project, dump: Path) -> None:
    made = project.reforge("restore", NAME, "--dump", str(dump), "--create-roles", "--yes")
    assert made.document["position"] == "restored"
    assert "loading data" in made.err
    url = project.reforge("env", NAME, "--show").document["url"]
    assert rows(url) > 0
    assert project.reforge("validate", NAME, "--yes").document["position"] == "validated"
    project.reforge("pause", "--yes")
    project.reforge("cutover", NAME, "--yes")
    assert project.served_port() == project.port_of(NAME)
    project.reforge("rollback", "--yes")
    project.reforge("resume", "--yes")
    project.reforge("teardown", NAME, "--yes")
    assert list(project.restores.iterdir()) == []


def test_a_damaged_dump_is_refused_and_leaves_no_entry(project: Project, dump: Path) -> None:
    before = project.config.read_text()
    cut = dump.with_name("cut.dump")
    cut.write_bytes(dump.read_bytes()[:-100])
    ended = project.reforge("restore", NAME, "--dump", str(cut), "--create-roles", "--yes", expect=1)
    assert "is not whole" in ended.text
    assert "Traceback" not in ended.text
    assert project.config.read_text() == before
