"""The examples are whole: what each lacks is its secret, and a stage can be edited into it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.stackfile import Draft, raw_values
from problem import Misuse
from stacks.kinds import kinds
from stacks.model import PROVIDERS, parse
from tests.unit.stacks.examples import TIME

EXAMPLES = Path(__file__).parents[2] / "examples"
CLOUDS = sorted(set(kinds(PROVIDERS)) - {"local"})
WANTED = {"supabase": {"dump": "s3://starforge-dumps/app.dump"}}


def test_there_is_one_for_each_cloud_and_the_overview_names_it() -> None:
    assert sorted(path.parent.name for path in EXAMPLES.glob("*/Pulumi.prod.yaml")) == CLOUDS
    overview = (EXAMPLES / "README.md").read_text()
    assert set(re.findall(r"\]\(([a-z-]+)/Pulumi", overview)) == set(CLOUDS)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_an_example_lacks_its_secret_and_nothing_else(cloud: str) -> None:
    path = EXAMPLES / cloud / "Pulumi.prod.yaml"
    raw = raw_values(path.read_text(), path)
    assert raw["source"]["provider"] == cloud
    with pytest.raises(Misuse) as refused:
        parse(raw)
    assert refused.value.what == "reforge:source-url: is missing"
    config = parse(raw | {"source-url": {"secure": "v1:a"}})
    assert config.endpoints
    assert config.writers
    assert (config.serving, config.writing, config.restores) == ("source", "all", {})


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_restore_is_edited_into_an_example_and_its_comments_stay(cloud: str) -> None:
    path = EXAMPLES / cloud / "Pulumi.prod.yaml"
    draft = Draft(path.read_text())
    draft.set("restores", "before-accident", to={"from": WANTED.get(cloud, {"time": TIME})})
    raw = raw_values(draft.text, path) | {"source-url": {"secure": "v1:a"}}
    assert list(parse(raw).restores) == ["before-accident"]
    comments = [line for line in path.read_text().splitlines() if line.lstrip().startswith("#")]
    assert comments == [line for line in draft.text.splitlines() if line.lstrip().startswith("#")]
