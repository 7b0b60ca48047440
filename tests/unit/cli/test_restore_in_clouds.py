"""``reforge restore`` in a cloud: its size, a clone that is adopted, and any other value of the entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cli.conftest import STACK, Reforge
from tests.unit.cli.test_teardown_in_clouds import CLOUD, LOCAL

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
