"""kill -9 of engine, plugin, command line, and of all of them at once, in the middle of each stage."""

from __future__ import annotations

from collections.abc import Callable

from rehearsal.processes import postmasters
from tests.faults.fault import EVERYWHERE, Fault, at, failed
from tests.faults.scene import Scene
from tests.support.ground import wait_until
from tests.support.killing import DEADLINE, Run, held_transaction, started
from tests.support.small_site import Ended

EVERY = "preview pause restore validate cutover resume rollback teardown"
WORDS = {
    "engine": "the engine is killed",
    "plugin": "the plugin is killed",
    "command": "our command line is killed",
    "all": "command line, engine and plugin are killed at once",
}
OUTCOMES = {
    "engine": failed("engine-killed"),
    "plugin": failed("plugin-killed"),
    "command": failed("", state="interrupted"),
    "all": failed("", state="interrupted"),
}


def killed(which: str) -> Callable[[Scene], Ended]:
    """As soon as the engine's run of the stage is there."""

    def run(scene: Scene) -> Ended:
        with started(scene.project, *scene.words, apart=True) as run:
            engine = "preview" if scene.stage.verb == "preview" else "engine"
            run.pid(engine)
            if which in ("command", "all") and engine == "engine":
                wait_until(
                    lambda: '"event": "engine"' in scene.journal.read_text(), DEADLINE, "the engine's note"
                )
            run.kill(engine if which == "engine" else which)
            return run.ended()

    return run


def reached(scene: Scene, moment: str) -> bool:
    """Whether the restore is in that phase, and its server runs if it has one then."""
    if scene.mark().get("phase") != moment:
        return False
    return moment == "copying" or bool(postmasters(scene.project.restores))


def killed_at(which: str, moment: str) -> Callable[[Scene], Ended]:
    """While the plugin is held in a phase of a restore."""

    def run(scene: Scene) -> Ended:
        with started(scene.project, *scene.words, apart=True) as run:
            with run.held(lambda: reached(scene, moment), moment):
                run.kill(which)
            return run.ended()

    return run


def killed_paused(which: str) -> Callable[[Scene], Ended]:
    """While pgbouncer's PAUSE waits for a transaction."""

    def run(scene: Scene) -> Ended:
        with started(scene.project, *scene.words, apart=True) as run:
            with held_transaction(scene.project):
                wait_until(scene.project.paused, DEADLINE, "PAUSE")
                run.kill(which)
                if which != "command":  # without it the engine goes on, and may wait for its clients
                    _resumed(scene, run)
            _resumed(scene, run)
            return run.ended()

    return run


def _resumed(scene: Scene, run: Run) -> None:
    wait_until(lambda: not scene.project.paused(), DEADLINE, f"RESUME after a kill of {run.command.pid}")


FAULTS = [
    *(
        Fault(f"{which}-killed", what, at(EVERY, OUTCOMES[which]), run=killed(which))
        for which, what in WORDS.items()
    ),
    *(
        Fault(
            f"{which}-killed-{moment}",
            f"{what} while the restore is {moment}",
            at("restore", OUTCOMES[which]),
            run=killed_at(which, moment),
            sources=EVERYWHERE,
        )
        for moment in ("copying", "recovering")
        for which, what in WORDS.items()
    ),
    *(
        Fault(
            f"{which}-killed-paused",
            f"{what} while clients are paused",
            at("cutover rollback", OUTCOMES[which]),
            run=killed_paused(which),
            sources=("plain", "replica"),
        )
        for which, what in WORDS.items()
    ),
]
