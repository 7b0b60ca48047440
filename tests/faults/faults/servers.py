"""Servers that are killed: the original's and the restore's postmaster, pgbouncer, supervisord's answers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from rehearsal.processes import postmasters
from tests.faults.fault import Fault, at, failed, unharmed
from tests.faults.instances import start
from tests.faults.scene import Scene
from tests.support.ground import wait_until
from tests.support.killing import DEADLINE, started
from tests.support.small_site import Ended


@contextmanager
def source_killed(scene: Scene) -> Iterator[None]:
    scene.site.world.kill("postgres")
    try:
        yield
    finally:
        scene.site.world.revive()


@contextmanager
def _pooler_killed(scene: Scene) -> Iterator[None]:
    scene.site.world.kill("pgbouncer")
    try:
        yield
    finally:
        scene.site.world.revive()


def kill_restore(scene: Scene) -> None:
    for pid in postmasters(scene.project.restores):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not postmasters(scene.project.restores), DEADLINE, "the restore's end")


@contextmanager
def _restore_killed(scene: Scene) -> Iterator[None]:
    """Its mend is an operator's start of it, unless the stage has done that or removed it."""
    kill_restore(scene)
    yield
    if scene.instance.exists() and not postmasters(scene.project.restores):
        start(scene.site.site, scene.instance)


def _recovers(scene: Scene) -> bool:
    """Before its first words the server has only been started."""
    log = scene.instance / "reforge-server.log"
    return log.exists() and "recovery" in log.read_text() and bool(postmasters(scene.project.restores))


def _killed_in_recovery(scene: Scene) -> Ended:
    with started(scene.project, *scene.words, apart=True) as run:
        wait_until(lambda: _recovers(scene), DEADLINE, "the recovery")
        kill_restore(scene)
        return run.ended()


FAULTS = [
    Fault(
        "source-killed",
        "the original's postmaster is killed",
        unharmed("preview pause restore validate cutover resume teardown")
        | at("rollback", failed("target-refuses")),
        source_killed,
    ),
    Fault(
        "restore-killed",
        "the restore's postmaster is killed",
        unharmed("cutover resume rollback teardown") | at("validate", failed("database-unreachable")),
        _restore_killed,
    ),
    Fault(
        "restore-killed-recovering",
        "the restore's postmaster is killed while it replays WAL",
        at("restore", failed("recovery-failed")),
        run=_killed_in_recovery,
    ),
    Fault(
        "pgbouncer-killed",
        "pgbouncer is killed",
        unharmed("preview pause restore validate resume teardown")
        | at("cutover rollback", failed("pgbouncer-unreachable")),
        _pooler_killed,
    ),
]
