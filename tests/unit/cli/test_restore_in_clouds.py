"""``reforge restore`` in a cloud: its size, a clone that is adopted, and any other value of the entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from problem import Problem
from tests.unit.cli.conftest import STACK, Reforge
from tests.unit.cli.doubles import PlayedEngine
from tests.unit.cli.test_teardown_in_clouds import CLOUD, LOCAL

CLOUD_SQL = (
    "    provider: gcp-cloudsql\n    project: starforge\n    instance: prod\n    database: starforge\n"
)
SUPABASE = "    provider: supabase\n    instance: abcdefghijklmnopqrst\n    database: postgres\n"
TIME = "2025-12-03T14:23:00Z"


def stack_in(project: Path, source: str) -> Path:
    path = project / "Pulumi.local.yaml"
    path.write_text(STACK.replace(LOCAL, source))
    return path


def declared(path: Path) -> Any:
    return yaml.safe_load(path.read_text())["config"]["reforge:restores"]


@pytest.mark.parametrize(
    ("source", "words", "entry"),
    [
        (
            CLOUD,
            ["--time", TIME, "--size", "db.r6g.2xlarge"],
            {"from": {"time": TIME}, "size": "db.r6g.2xlarge"},
        ),
        (SUPABASE, ["--adopt", "zyxwvutsrqponmlkjihg"], {"from": {"adopt": "zyxwvutsrqponmlkjihg"}}),
        (
            SUPABASE,
            ["--dump", "s3://dumps/app.dump", "--with", "region=eu-central-1"],
            {"from": {"dump": "s3://dumps/app.dump"}, "region": "eu-central-1"},
        ),
    ],
)
def test_an_entry_is_declared_as_it_is_typed(
    reforge: Reforge, project: Path, source: str, words: list[str], entry: dict[str, Any]
) -> None:
    path = stack_in(project, source)
    reforge("restore", "before", *words)
    found = declared(path)["before"]
    assert {**found, "from": {k: v for k, v in found["from"].items() if k in entry["from"]}} == entry


def test_another_size_is_another_restore(reforge: Reforge, project: Path) -> None:
    stack_in(project, CLOUD)
    reforge("restore", "before", "--time", TIME, "--size", "db.r6g.2xlarge")
    reforge("restore", "before", "--time", TIME)
    ended = reforge("restore", "before", "--size", "db.r6g.4xlarge", expect=2)
    assert "is already declared" in ended.err
    assert "of size db.r6g.2xlarge" in ended.err


def test_a_value_that_the_provider_does_not_know_is_refused(reforge: Reforge, project: Path) -> None:
    path = stack_in(project, CLOUD)
    ended = reforge("restore", "before", "--time", TIME, "--with", "sise=x", expect=2)
    assert "did you mean size?" in ended.err
    assert "--with NAME=VALUE" in reforge("restore", "b", "--latest", "--with", "size", expect=2).err
    assert declared(path) == {}


@pytest.mark.parametrize("source", [CLOUD, CLOUD_SQL, SUPABASE])
def test_what_a_cloud_may_have_made_is_never_said_not_to_be_there(
    reforge: Reforge, project: Path, played: PlayedEngine, source: str
) -> None:
    """A provider that gives up on a create forgets it, and the cloud goes on."""
    path = stack_in(project, source)
    played.fails["up"] = Problem("cloudsql-operation-unfinished", "It is not done after six hours.")
    wanted = ["--adopt", "zyxwvutsrqponmlkjihg"] if source == SUPABASE else ["--latest"]
    told = reforge("--json", "restore", "before", *wanted, "--yes", expect=1).err
    assert "Nothing of before was made" not in told
    assert "Nothing of before is in the state" in told
    assert "look for it in the cloud" in told
    assert declared(path) == {}


def test_what_this_machine_has_nothing_of_was_not_made(
    reforge: Reforge, project: Path, played: PlayedEngine
) -> None:
    played.fails["up"] = Problem("engine-failed", "No.")
    told = reforge("--json", "restore", "before", "--latest", "--yes", expect=1).err
    assert "Nothing of before was made" in told
