"""Plans that would replace or delete a cloud's data are refused, whoever wrote them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.echo.grounds import GROUNDS, NAME, Ground
from tests.support.echo.project import EchoProject, echo_project
from tests.unit.stacks.examples import WAIVED

pytestmark = [pytest.mark.slow, pytest.mark.clouds]


@pytest.fixture(params=GROUNDS, ids=lambda ground: ground.provider)
def ground(request: pytest.FixtureRequest) -> Ground:
    found: Ground = request.param
    return found


@pytest.fixture
def project(ground: Ground, tmp_path: Path) -> Iterator[EchoProject]:
    """With a restore that is made and accepted."""
    with echo_project(tmp_path / "project", ground, restores={NAME: wanted(ground)}) as made:
        made.up()
        yield made


def wanted(ground: Ground, **more: Any) -> dict[str, Any]:
    return {**next(iter(ground.kinds.values())), "waived": WAIVED, **more}


def error_of(project: EchoProject, *words: str, code: int) -> dict[str, Any]:
    document = project.reforge.run("--stack", "prod", *words, expect=code).document
    found: dict[str, Any] = document["error"]
    return found


def data(ground: Ground, project: EchoProject) -> list[tuple[str, str]]:
    """The calls on what holds data, creations left out."""
    from stacks.model import data_types

    calls = [one for one in project.calls if one["type"] in data_types()]
    return [(one["operation"], one["name"]) for one in calls if one["operation"] != "create"]


def test_an_entry_removed_by_hand_is_refused_while_it_is_protected_and_when_it_is_released(
    ground: Ground, project: EchoProject
) -> None:
    project.edit(restores={})
    refused = error_of(project, "preview", code=1)
    assert "protect" in refused["what"]
    project.edit(restores={NAME: wanted(ground, release=True, **{"final-snapshot": "none"})})
    project.up()
    project.edit(restores={})
    refused = error_of(project, "preview", code=3)
    assert refused["name"] == "data-loss"
    assert f"delete of {NAME}" in refused["what"]
    assert NAME in project.resources
    assert ("delete", NAME) not in data(ground, project)


def in_order(ground: Ground) -> list[tuple[str, str]]:
    """A teardown's calls: protections off, then the removal; Supabase has none but the engine's own."""
    released = [] if ground.provider == "supabase" else [("update", NAME)]
    return [*released, ("delete", NAME)]


def otherwise(ground: Ground) -> dict[str, Any]:
    """What the restore is edited into by somebody in a hurry: made from something else."""
    return {"from": [*ground.kinds.values()][-1]["from"]}


def test_what_made_it_may_change_without_replacing_it(ground: Ground, project: EchoProject) -> None:
    if ground.provider == "supabase":
        pytest.skip("our own plugin refuses it: tests/e2e/test_supabase.py")
    project.edit(restores={NAME: wanted(ground) | otherwise(ground)})
    assert not project.preview().changed


def test_without_that_guard_it_would_be_replaced_and_the_gate_refuses(
    ground: Ground, project: EchoProject
) -> None:
    if not ground.unguarded:
        pytest.skip(f"{ground.provider} replaces nothing for what an instance was made from")
    program = project.folder / "__main__.py"
    program.write_text(program.read_text().replace("\nmain()", f"\n{ground.unguarded}main()"))
    released = wanted(ground, release=True, **{"final-snapshot": "none"})
    project.edit(restores={NAME: released})
    project.up()
    project.edit(restores={NAME: released | otherwise(ground)})
    refused = error_of(project, "preview", code=3)
    assert refused["name"] == "data-loss"
    assert "replace" in refused["what"]
    assert ("delete", NAME) not in data(ground, project)


def test_a_teardown_releases_then_removes_and_leaves_nothing(ground: Ground, project: EchoProject) -> None:
    project.reforge.run("--stack", "prod", "teardown", NAME, "--final-snapshot", "none", "--yes")
    assert data(ground, project) == in_order(ground)
    assert NAME not in json.dumps(list(project.resources))
    status = project.reforge.run("--stack", "prod", "status").document
    assert status["state"] == "normal"


def test_a_teardown_that_is_reviewed_in_between_goes_on(ground: Ground, project: EchoProject) -> None:
    run = project.reforge.run
    first = run("--stack", "prod", "teardown", NAME, "--final-snapshot", "none").document
    assert (first["step"], first["position"]) == ("release", "proposed")
    run("--stack", "prod", "apply")
    status = run("--stack", "prod", "status").document
    assert (status["state"], status["next"]) == ("half-torn-down", f"teardown {NAME}")
    run("--stack", "prod", "teardown", NAME)
    run("--stack", "prod", "apply")
    assert data(ground, project) == in_order(ground)
