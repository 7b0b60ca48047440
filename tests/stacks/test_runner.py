"""``runner`` in the program: the look at a dump and its load know whose pods are meant."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stacks.test_aws_rds import DUMP, aws, deployed

__all__ = ["aws"]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pulumi_aws")  # its own, at its import
RUNNER = {"kubernetes": {"namespace": "reforge", "image": "registry.example.com/reforge:1", "shards": 8}}


def said(**changes: Any) -> list[dict[str, Any] | None]:
    found = deployed({"from": DUMP}, endpoints=[], writers=[], **changes).resources
    return [found[name].inputs.get("runner") for name in ("r-dump", "r-load")]


@pytest.mark.usefixtures("aws")
def test_a_dump_is_looked_at_and_loaded_for_the_configs_runner() -> None:
    looked, loaded = said(runner=RUNNER)
    assert looked == loaded
    assert loaded is not None
    assert (loaded["namespace"], loaded["shards"], loaded["startTimeout"]) == ("reforge", 8, 300)
    assert loaded["resources"] == {"requests": {"cpu": "1", "memory": "1Gi"}}


@pytest.mark.usefixtures("aws")
def test_without_a_runner_it_is_loaded_from_here() -> None:
    assert said() == [None, None]
