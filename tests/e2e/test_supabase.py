"""A whole incident on Supabase by the command line: real rows, the real engine, a stand-in of the API."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.servers import Postgres, scratch
from tests.support.supabase.management import Management
from tests.support.supabase.platform import Platform
from tests.support.supabase.project import SupabaseProject
from tests.support.supabase.site import Site

pytestmark = [pytest.mark.slow, pytest.mark.clouds]
NAME = "before-accident"


@pytest.fixture
def project() -> Iterator[SupabaseProject]:
    with scratch("reforge-e2e-") as home, Postgres(home / "pg") as server:
        with Management(Platform(server).prepare()) as api:
            site = Site.make(api, home)
            yield SupabaseProject(home / "project", site).init()
            assert api.made() == [], "nothing is left"
            assert api.named(site.source.ref) == [], "the original is only read"
            assert not [str(one) for one in api.recorded if "restore" in one.path or "query" in one.path]


def orders(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM shop.orders").fetchone()
    return int(row[0]) if row else 0


def test_a_dump_is_restored_validated_cut_over_rolled_back_and_torn_down(project: SupabaseProject) -> None:
    api, dump = project.site.api, project.site.dump()
    project.site.execute(project.site.source.ref, "DELETE FROM shop.orders WHERE id > 100")
    assert project.reforge("sources").document["adoptable"] == []

    made = project.reforge("restore", NAME, "--dump", str(dump), "--create-roles", "--yes")
    assert "left out: TABLE DATA vault.secrets" in made.err
    [restored] = api.made()
    assert restored.networks["dbAllowedCidrs"] == ["127.0.0.1/32"]
    url = project.reforge("env", NAME, "--show").document["url"]
    assert url == api.url(restored.ref, "app")
    assert (orders(url), orders(project.original)) == (500, 100)

    project.reforge("validate", NAME, "--yes")
    assert restored.networks["dbAllowedCidrs"] == ["0.0.0.0/0", "127.0.0.1/32"], "whom the original lets in"
    project.reforge("cutover", NAME, "--yes")
    assert project.env_file.read_text() == f"DATABASE_URL={url}\n"
    assert "serves" in project.reforge("teardown", NAME, "--yes", expect=3).text
    project.reforge("rollback", "--yes")
    assert project.env_file.read_text() == f"DATABASE_URL={project.original}\n"

    torn = project.reforge("teardown", NAME, "--final-snapshot", "none", "--yes")
    assert "release: true" in torn.err, "its protection is taken off before, in a diff of its own"
    assert restored.ref not in api.projects
    assert orders(project.original) == 100
    assert "hunter22" not in project.config


def test_a_clone_of_the_dashboard_is_adopted_serves_and_is_only_forgotten(project: SupabaseProject) -> None:
    api, clone = project.site.api, project.site.clone()
    project.site.execute(project.site.source.ref, "DELETE FROM shop.orders WHERE id > 100")
    found = project.reforge("sources").document["adoptable"]
    assert found == [{"ref": clone.ref, "name": clone.name}]

    project.reforge("restore", NAME, "--adopt", clone.ref, "--yes")
    assert clone.networks["dbAllowedCidrs"] == ["127.0.0.1/32"], "only the operators, while it is looked at"
    url = project.reforge("env", NAME, "--show").document["url"]
    assert url == api.url(clone.ref, "app")
    assert (orders(url), orders(project.original)) == (500, 100)

    project.reforge("validate", NAME, "--yes")
    project.reforge("cutover", NAME, "--yes")
    assert project.env_file.read_text() == f"DATABASE_URL={url}\n"
    assert "serves" in project.reforge("teardown", NAME, "--yes", expect=3).text
    project.reforge("rollback", "--yes")
    assert project.env_file.read_text() == f"DATABASE_URL={project.original}\n"

    project.reforge("teardown", NAME, "--yes")
    assert clone.ref in api.projects, "whoever made it has it still"
    assert clone.networks["dbAllowedCidrs"] == ["0.0.0.0/0"]
    assert not [str(one) for one in api.recorded if one.method == "DELETE"]
    assert orders(url) == 500
