"""The application moves to the restore and back under full load, and nobody notices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from rehearsal.driver import Answer
from rehearsal.starforge.samples import failed, longest_stall, read_samples
from tests.support.incident import WRITERS, Felt, Incident, settled_load, under_load

NAME = "before-accident"
LONGEST_STALL_MS = 1000
REASON = "compared by hand with the ledger"


def accepted(incident: Incident, name: str) -> int:
    """A restore that the application may move to; its port."""
    incident.run("restore", name, "--time", incident.target, "--yes")
    incident.run("validate", name, "--waive", REASON, "--yes")
    return incident.port(name)


def moved(incident: Incident, move: Callable[[], Answer], port: int) -> tuple[Answer, Felt]:
    """Move the application under load; what its clients felt, and that they are where they should be."""
    with under_load(incident.site) as felt:
        answer = move()
    assert incident.served_port() == port
    return answer, felt[0]


def unnoticed(felt: Felt) -> None:
    assert felt.requests > 40
    assert felt.failed == 0
    assert felt.stall_ms <= LONGEST_STALL_MS


def keys(url: str) -> Counter[str]:
    """Every snapshot's key, with how often it is there."""
    with psycopg.connect(url) as connection:
        return Counter(str(key) for (key,) in connection.execute("SELECT key FROM hero_snapshots"))


def shut(incident: Incident, name: str) -> None:
    """Have a restore's server turn the application away."""
    with psycopg.connect(incident.superuser_url(name), autocommit=True) as connection:
        connection.execute("ALTER ROLE starforge NOLOGIN")


def lines(path: Any) -> list[str]:
    return [line for line in path.read_text().splitlines() if "DATABASE_URL" in line]


def test_no_request_fails_and_every_write_is_where_it_was_acknowledged(incident: Incident) -> None:
    site, source = incident.site, incident.site.record.postgres_port
    port = accepted(incident, NAME)
    incident.run("resume", "--yes")
    site.start_load(writers=WRITERS, rate=40)
    began = datetime.now(UTC)
    with settled_load(site):
        answer, felt = moved(incident, lambda: incident.run("cutover", NAME, "--yes"), port)
        unnoticed(felt)
        assert answer.document["left_behind"] == {}, "no client writes on to what was left"
        incident.wait_for_writes(20)
        answer, felt = moved(incident, lambda: incident.run("rollback", "--yes"), source)
        unnoticed(felt)
        incident.wait_for_writes(20)
        lost = sum(entry.server == port for entry in incident.entries())
        assert answer.document["written_since_cutover"]["public.hero_snapshots"]["inserted"] == lost > 20
        assert answer.document["left_behind"] == {}, "no client writes on to what was left"
        _, felt = moved(incident, lambda: incident.run("cutover", NAME, "--yes"), port)
        unnoticed(felt)

    samples, entries = list(read_samples(site.samples)), incident.entries()
    assert failed(samples, began, datetime.now(UTC)) == 0
    assert longest_stall(samples, began, datetime.now(UTC)) <= LONGEST_STALL_MS
    assert {entry.server for entry in entries} == {source, port}
    there = {source: keys(site.record.source_url), port: keys(incident.url(NAME))}
    for entry in entries:
        found = [where for where, known in there.items() for _ in range(known[entry.key])]
        assert found == [entry.server], f"{entry.key} was acknowledged by {entry.server}"
    incident.run("rollback", "--yes")
    incident.run("pause", "--yes")
    incident.run("teardown", NAME, "--yes")


def test_a_restore_that_turns_the_application_away_is_not_cut_over_to(incident: Incident) -> None:
    site, source, name = incident.site, incident.site.record.postgres_port, "closed"
    accepted(incident, name)
    before = lines(site.record.app / "etl.env")
    shut(incident, name)
    site.start_load(writers=WRITERS, rate=40)
    with settled_load(site):
        answer, felt = moved(incident, lambda: incident.run("cutover", name, "--yes", expect=3), source)
    unnoticed(felt)
    error = answer.document["error"]
    assert error["name"] == "target-refuses"
    assert 'role "starforge" is not permitted to log in' in error["what"]
    assert name in error["what"]
    assert "Nothing was changed" in error["cure"]
    assert lines(site.record.app / "etl.env") == before
    status = incident.run("status").document
    assert (status["state"], status["serving"]) == ("validated", "source")
    incident.run("teardown", name, "--yes")


def test_a_bare_up_moves_nothing_to_a_restore_that_turns_the_application_away(incident: Incident) -> None:
    site, source, name = incident.site, incident.site.record.postgres_port, "shut"
    accepted(incident, name)
    before = lines(site.record.app / "etl.env")
    shut(incident, name)
    file = incident.reforge.project / "Pulumi.local.yaml"
    file.write_text(file.read_text().replace("reforge:serving: source", f"reforge:serving: {name}"))
    ran = incident.pulumi("up", "--yes")
    assert ran.returncode != 0
    assert "The new target does not take the application" in ran.stdout
    assert incident.served_port() == source
    assert lines(site.record.app / "etl.env") == before, "nothing moves before the route is proven"
    incident.run("rollback", "--yes")
    incident.run("teardown", name, "--yes")
    assert incident.served_port() == source


@pytest.mark.slow
def test_a_restore_whose_server_was_stopped_is_started_before_anything_points_to_it(
    incident: Incident,
) -> None:
    site, source, name = incident.site, incident.site.record.postgres_port, "stopped"
    port = accepted(incident, name)
    incident.stop_server(name)
    site.start_load(writers=WRITERS, rate=40)
    with settled_load(site):
        _, felt = moved(incident, lambda: incident.run("cutover", name, "--yes"), port)
        unnoticed(felt)
        _, felt = moved(incident, lambda: incident.run("rollback", "--yes"), source)
        unnoticed(felt)
    incident.run("teardown", name, "--yes")
