"""The fault matrix: in every cell a named state, the exact next command, and nothing lost or left."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.fault import AGAIN, PROPOSE, Cell, Outcome
from tests.faults.matrix import cells
from tests.faults.scene import Scene, listens
from tests.faults.site import NAME, FaultSite
from tests.support.ground import wait_until
from tests.support.small_site import Ended

QUICK = frozenset(
    {
        "plain-preview-target-in-future",
        "plain-preview-target-after-wal",
        "plain-preview-target-without-zone",
        "plain-preview-wal-first-missing",
        "plain-preview-wal-truncated",
        "plain-preview-history-unreadable",
        "plain-preview-backup-file-missing",
        "plain-preview-port-taken",
        "plain-preview-name-a-link",
        "plain-preview-disk-too-small",
        "plain-preview-second-operator",
        "plain-preview-config-not-yaml",
        "plain-preview-engine-killed",
        "plain-restore-all-killed-recovering",
        "dump-preview-dump-truncated",
    }
)
"""Cells of ``make test``, one of each kind; the others are slow."""


def parameters() -> list[Any]:
    slow = [pytest.mark.slow]
    return [pytest.param(cell, id=cell.id, marks=[] if cell.id in QUICK else slow) for cell in cells()]


@pytest.mark.parametrize("cell", parameters())
def test_a_cell_holds(
    cell: Cell, fault_site: FaultSite, record_property: Callable[[str, object], None]
) -> None:
    if reason := cell.fault.needs():
        pytest.skip(reason)
    with Scene.of(fault_site, cell.stage, cell.source) as scene:
        before, offered = scene.original(), scene.project.status["next"]
        with cell.fault.inject(scene):
            ended = cell.fault.run(scene)
            seen, following = observed(scene, ended), scene.project.status["next"]
        assert seen == cell.outcome, ended.text
        assert scene.original() == before, "the fault and its mend left the original otherwise"
        if not cell.stage.done(scene):
            # The mend may be in the words themselves; and of what could not be recorded status knows nothing.
            scene.follow("" if seen.next == AGAIN or following == offered else following)
        go_home(scene)
        assert scene.original() == before
    record_property("row", "\t".join(cell.row))


def observed(scene: Scene, ended: Ended) -> Outcome:
    """What the command said and what status says, the fault being there."""
    assert "Traceback" not in ended.text
    assert ended.code or not ended.out or "error" not in ended.document
    error = ended.document["error"]["name"] if ended.code > 0 else ""
    status = scene.project.status
    assert status["problem"] in ("", error)
    assert status["words"]
    return Outcome(error, status["state"], named(scene, status["next"]))


def named(scene: Scene, following: str) -> str:
    """A next command as the table has it: what differs from run to run has a name."""
    proposing = [word for word in scene.words if word != "--yes"]
    known = {shlex.join(proposing): PROPOSE, shlex.join(scene.words): AGAIN}
    return known.get(following, following) if following else ""


def go_home(scene: Scene) -> None:
    """What the stage made goes again by our own command; then nothing is there but what was before it."""
    assert scene.stage.done(scene)
    port = scene.port
    for words in scene.stage.home:
        assert scene.type(*words).code == 0, scene.last
    kept = [NAME] if scene.stage.keeps and not scene.foreign else []
    wait_until(lambda: scene.left() == kept, 15, f"the end of {scene.project.left()}")
    assert listens(port) == (scene.stage.keeps or scene.foreign)
