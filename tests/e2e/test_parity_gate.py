"""A cut-over to a restore that lacks something: refused before anything moves, then waived in writing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml

from tests.support.small_site import Ground, Project, small_site

REASON = "the reports are made by hand until Friday"


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with small_site() as made:
        yield made


def execute(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.encode())


def config(project: Project) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(Path(project.config).read_text())["config"]
    return found


@pytest.fixture
def since(ground: Ground) -> Iterator[str]:
    """A role that the original got after the moment that is restored."""
    url = ground.site.record.superuser_url
    execute(url, "CREATE ROLE reporting LOGIN")
    yield "role:reporting"
    execute(url, "DROP ROLE reporting")


def test_a_difference_that_can_hurt_refuses_the_cutover_until_it_is_waived(
    ground: Ground, since: str
) -> None:
    with ground.project("parity") as project:
        project.reforge("restore", "before", "--time", ground.target, "--yes")
        project.reforge("validate", "before", "--waive", "the suite is not what is tested", "--yes")
        before = project.config.read_text()
        refused = project.reforge("cutover", "before", "--yes", expect=3)
        assert refused.document["error"]["name"] == "source-differs"
        assert since in refused.document["error"]["what"]
        assert project.config.read_text() == before
        assert project.served_port() == ground.site.record.postgres_port
        assert project.status["state"] == "validated"
        waived = project.reforge("cutover", "before", "--waive", since, "--reason", REASON, "--yes")
        assert project.served_port() == project.port_of("before")
        severities = {one["name"]: one["severity"] for one in waived.document["parity"]["differences"]}
        assert severities.pop(since) == "gate"
        # What quarantine changed is told and is no gate.
        assert severities["setting:archive_mode"] == "note"
        assert set(severities.values()) == {"note"}
        kept = config(project)["reforge:restores"]["before"]["waived-differences"]  # type: ignore[index]
        assert kept[since]["reason"] == REASON
        # A bare pulumi takes the config with the waiver in it, and has nothing to do.
        project.pulumi("preview", "--expect-no-changes")
        project.reforge("rollback", "--yes")
        project.reforge("teardown", "before", "--yes")
