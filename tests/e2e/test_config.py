"""A bare ``pulumi preview`` refuses a bad edit by the model's rules and in the model's words."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from cli.events import follow
from cli.failures import explained
from problem import Misuse
from stacks.model import parse
from tests.support.pulumi_project import REPOSITORY, PulumiProject

GOOD = """
config:
  reforge:source:
    provider: local
    instance: starforge
    database: starforge
    archive: /srv/archive/wal
    backups: /srv/archive/base
    directory: /srv/restores
  reforge:source-url: postgresql://app@db.internal:5432/starforge
  reforge:operators: [203.0.113.7/32]
"""
BAD = (
    GOOD
    + """
  reforge:operator: [203.0.113.7/32]
  reforge:restores:
    Before_Accident: {from: {latest: true}}
    unquoted: {from: {time: 2025-12-03T14:23:00}}
    unquoted-with-zone: {from: {time: 2025-12-03T14:23:00+01:00}}
    unquoted-day: {from: {time: 2025-12-03}}
    zoneless: {from: {time: "2025-12-03T14:23:00"}}
    two: {from: {xid: 7, lsn: 0/15000A8}, port: 80}
    refined: {from: {latest: true, jobs: 4}}
  reforge:serving: before-accident
  reforge:writing: canaries
  reforge:endpoints:
    - pgbouncer: {admin: "mysql://console:hunter2@127.0.0.1/pgbouncer", database: d}
    - env-fil: {path: /srv/app/.env}
"""
)


@pytest.fixture
def project(tmp_path: Path) -> PulumiProject:
    made = PulumiProject(tmp_path / "project").make(REPOSITORY / "dbrestore")
    made.program("from stacks.program import main\nmain()\n")
    return made


def write(project: PulumiProject, text: str) -> None:
    file = project.folder / "Pulumi.test.yaml"
    salt = next(line for line in file.read_text().splitlines() if line.startswith("encryptionsalt"))
    file.write_text(f"{salt}\n{text}")


def model_says(text: str) -> list[str]:
    """The model's lines about a stack's file as the command line reads it."""
    values = yaml.safe_load(text)["config"]
    with pytest.raises(Misuse) as caught:
        parse({name.removeprefix("reforge:"): value for name, value in values.items()})
    return str(caught.value).splitlines()


def test_a_bad_edit_is_refused_in_the_same_words_as_by_the_command_line(project: PulumiProject) -> None:
    lines = model_says(BAD)
    assert len(lines) == 13
    write(project, BAD)
    said = project.run("preview").failed()
    assert [line for line in lines if line not in said] == []
    assert said.count("reforge:writing") == 1
    assert "hunter2" not in said


def test_a_problem_of_the_program_comes_through_the_engine_with_its_name(
    project: PulumiProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_DEBUG_COMMANDS", "true")  # else there is no --event-log
    write(project, BAD)
    log = project.folder / "events.jsonl"
    log.touch()
    with project.start("preview", "--event-log", str(log)) as engine:
        outcome = follow(log, engine, lambda _event: None)
        said = engine.stdout.read() if engine.stdout else ""
    problem = explained(said, "test", outcome)
    assert problem.name == "config-wrong"
    assert sorted(problem.what.splitlines()) == sorted(model_says(BAD))


def test_a_key_with_nothing_under_it_is_as_good_as_none(project: PulumiProject) -> None:
    write(project, GOOD + "  reforge:restores:\n  reforge:serving:\n  reforge:endpoints:\n")
    ran = project.run("preview")  # the engine itself warns of it
    assert ran.code == 0, ran.said
    assert "+ 1 to create" in ran.said
