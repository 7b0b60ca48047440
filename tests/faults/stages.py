"""The stages of an incident: where each begins, what is typed, when it is done, and the way home from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.faults.site import NAME

if TYPE_CHECKING:
    from tests.faults.scene import Scene

ASKED = "..."
"""Among the words of a stage: what the source asks for."""


@dataclass(frozen=True)
class Stage:
    """One stage on the project of a scene."""

    name: str
    position: str
    """Where the incident stands before it."""
    typed: tuple[str, ...]
    done: Callable[[Scene], bool]
    state: str
    """The named state after it."""
    next: str
    """The command that status prints after it."""
    home: tuple[tuple[str, ...], ...] = ()
    """Commands that remove again what the stage itself has made."""
    keeps: bool = False
    """Whether the restore was there before the stage, and has to be there after it."""
    verb: str = "up"
    """The engine's run that does the work."""

    def words(self, asked: list[str]) -> list[str]:
        """What is typed; ``asked`` is what a restore is made from."""
        return [each for word in self.typed for each in (asked if word == ASKED else [word])]


_TEARDOWN = ("teardown", NAME, "--yes")
_ROLLBACK = ("rollback", "--yes")
_RESTORE = ("restore", NAME, ASKED)


def _serves(scene: Scene, port: int) -> bool:
    return scene.project.served_port() == port


STAGES = {
    stage.name: stage
    for stage in (
        Stage(
            "preview",
            "paused",
            (*_RESTORE, "--dry-run"),
            lambda scene: scene.looked,
            "paused",
            "sources",
            verb="preview",
        ),
        Stage(
            "pause",
            "normal",
            ("pause", "--yes"),
            lambda scene: scene.project.workers() == 0 and scene.project.status["writing"] == "none",
            "paused",
            "sources",
        ),
        Stage(
            "restore",
            "paused",
            (*_RESTORE, "--yes"),
            lambda scene: scene.restored,
            "restored",
            f"validate {NAME}",
            home=(_TEARDOWN,),
        ),
        Stage(
            "validate",
            "restored",
            ("validate", NAME, "--yes"),
            lambda scene: scene.project.status["state"] == "validated",
            "validated",
            f"cutover {NAME}",
            keeps=True,
        ),
        Stage(
            "cutover",
            "validated",
            ("cutover", NAME, "--yes"),
            lambda scene: _serves(scene, scene.port),
            "cut-over",
            "resume --canary",
            keeps=True,
        ),
        Stage(
            "resume",
            "serving",
            ("resume", "--yes"),
            lambda scene: scene.project.workers() > 0 and scene.project.status["writing"] == "all",
            "recovered",
            "",
            keeps=True,
        ),
        Stage(
            "rollback",
            "serving",
            _ROLLBACK,
            lambda scene: _serves(scene, scene.site.site.record.postgres_port),
            "validated",
            f"cutover {NAME}",
            keeps=True,
        ),
        Stage(
            "teardown",
            "restored",
            _TEARDOWN,
            lambda scene: not scene.instance.exists() and NAME not in scene.project.status["restores"],
            "paused",
            "sources",
        ),
    )
}
