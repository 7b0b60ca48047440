"""What a reviewer reads at each stage of an incident in each cloud: ``pulumi preview --diff``, kept in files.

The real engine, program and SDKs; the clouds' providers are the echo, and our own plugin's checks and diffs
are its real ones. After each preview the stage is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.events import Outcome
from cli.gate import refuse_data_loss
from stacks.model import data_types
from tests.support.echo.grounds import GROUNDS, NAME, Ground
from tests.support.echo.project import EchoProject, echo_project
from tests.support.golden import in_order, settled
from tests.unit.stacks.examples import WAIVED

pytestmark = [pytest.mark.slow, pytest.mark.clouds]
GOLDEN = Path(__file__).parents[1] / "golden"
PLAYED_CLUSTER = """
from stacks.canary import original
from tests.unit.stacks.canaries import LIVE
original.read = lambda place: LIVE
"""
Golden = Callable[[Path, str], None]


def told(preview: Outcome) -> str:
    """Its text without the identity that each run gives to a provider."""
    return settled(in_order(preview.text), {r"(?<=::)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}": "ID"})


@pytest.fixture(params=GROUNDS, ids=lambda ground: ground.provider)
def ground(request: pytest.FixtureRequest) -> Ground:
    found: Ground = request.param
    return found


@pytest.fixture
def project(ground: Ground, tmp_path: Path) -> Iterator[EchoProject]:
    with echo_project(tmp_path / "project", ground) as made:
        yield made


def test_every_stage_reads_well_and_loses_no_data(
    ground: Ground, project: EchoProject, golden: Golden
) -> None:
    [wanted, *_] = ground.kinds.values()
    accepted = {**wanted, "waived": WAIVED}
    released = {**accepted, "release": True, "final-snapshot": ground.kept}
    project.up()
    stages: dict[str, dict[str, Any]] = {
        "1-pause": {"writing": "none"},
        "2-restore": {"restores": {NAME: wanted}},
        "3-accept": {"restores": {NAME: accepted}},
        "4-cutover": {"serving": NAME},
        "5-canary": {"writing": "canary"},
        "6-resume": {"writing": "all"},
        "7-rollback": {"serving": "source"},
        "8-release": {"restores": {NAME: released}},
        "9-removal": {"restores": {}},
    }
    for stage, changes in stages.items():
        project.edit(**changes)
        found = project.preview()
        # What a stage had left undone would stand in the text of the next.
        golden(GOLDEN / ground.provider / f"{stage}.txt", told(found))
        refuse_data_loss(found, data_types(), {NAME} if stage == "9-removal" else set())
        project.up()
    assert not project.preview().changed
    assert NAME not in project.resources


def test_a_canary_reads_well_and_its_removal_is_no_loss(tmp_path: Path, golden: Golden) -> None:
    [ground, *_] = GROUNDS
    accepted = {**next(iter(ground.kinds.values())), "waived": WAIVED}
    played = replace(ground, packages=(*ground.packages, "kubernetes"), before=ground.before + PLAYED_CLUSTER)
    canary: dict[str, Any] = {"deployment": {"namespace": "starforge", "name": "api"}}
    tried = {**canary, "restore": NAME}
    with echo_project(tmp_path / "project", played, restores={NAME: accepted}, writing="none") as project:
        project.up()
        stages: dict[str, dict[str, Any]] = {
            "canary-1-up": {"canary": tried},
            "canary-2-traffic": {"canary": {**tried, "traffic": True, "pods": 2}},
            "canary-3-cutover": {"canary": canary, "serving": NAME},
        }
        for stage, changes in stages.items():
            project.edit(**changes)
            found = project.preview()
            golden(GOLDEN / ground.provider / f"{stage}.txt", told(found))
            refuse_data_loss(found, data_types())
            project.up()
        assert not project.preview().changed
        named = {one["values"]["metadata"]["name"] for one in project.calls if "metadata" in one["values"]}
    assert named == {"api-reforge-canary"}, "the deployment that it is like is never named in a call"


def test_every_kind_of_restore_reads_well(ground: Ground, project: EchoProject, golden: Golden) -> None:
    for kind, wanted in ground.kinds.items():
        project.edit(restores={NAME: wanted})
        golden(GOLDEN / ground.provider / f"restore-from-{kind}.txt", told(project.preview()))
