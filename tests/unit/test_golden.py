"""What must hold of every golden preview, whatever it is of: read as files, so that no update slips it in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stacks.kinds import kinds
from stacks.model import PROVIDERS, data_types

GOLDEN = Path(__file__).parents[1] / "golden"
PREVIEWS = sorted(GOLDEN.glob("*/*.txt"))
STEP = re.compile(r"^ {4}(\S+) (\S+:\S+:\S+): \(([a-z-]+)\)", re.MULTILINE)


def shown(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def test_each_cloud_has_every_stage() -> None:
    stages: dict[str, list[str]] = {path.parent.name: [] for path in PREVIEWS}
    for path in PREVIEWS:
        if path.stem[0].isdigit():
            stages[path.parent.name].append(path.stem)
    assert sorted(stages) == sorted(set(kinds(PROVIDERS)) - {"local"})
    assert len({tuple(names) for names in stages.values()}) == 1
    assert all(len(names) == 9 for names in stages.values())


@pytest.mark.parametrize("preview", PREVIEWS, ids=shown)
def test_no_stage_but_the_removal_takes_data_away_and_none_replaces_it(preview: Path) -> None:
    steps = [(kind, verb) for _sign, kind, verb in STEP.findall(preview.read_text())]
    found = {verb for kind, verb in steps if kind in data_types()}
    if preview.stem == "9-removal":
        assert found == {"delete"}
    else:
        assert found <= {"create", "update"}
    assert not [step for step in steps if "replace" in step[1]]


@pytest.mark.parametrize("preview", PREVIEWS, ids=shown)
def test_no_secret_is_shown(preview: Path) -> None:
    assert "hunter2" not in preview.read_text()
