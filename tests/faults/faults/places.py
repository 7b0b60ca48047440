"""The place of a restore that is taken, too small, read-only, or not what it looks like."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from tests.faults.breaking import absent, cannot_mount, extra, fill, read_only, small_filesystem
from tests.faults.fault import Fault, at, failed, unharmed
from tests.faults.faults.kills import reached
from tests.faults.instances import remove
from tests.faults.scene import Scene
from tests.support.ground import give
from tests.support.killing import started
from tests.support.small_site import Ended

STAGES = "preview restore"
TOO_SMALL, ENOUGH = 8, 160
"""Mebibytes: of which even a preview sees that they are not enough, and that it takes for enough."""


@contextmanager
def _port_taken(scene: Scene) -> Iterator[None]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        scene.words = [*scene.words, "--port", str(taken.getsockname()[1])]
        yield


@contextmanager
def _folder(scene: Scene) -> Iterator[None]:
    scene.instance.mkdir()
    try:
        with extra(scene.instance / "precious", "data of somebody else"):
            yield
    finally:
        scene.instance.rmdir()


@contextmanager
def _half_marked(scene: Scene) -> Iterator[None]:
    scene.instance.mkdir()
    try:
        with extra(scene.instance / "reforge-instance.json", "{"):
            yield
    finally:
        scene.instance.rmdir()


def _link(to: str) -> Callable[[Scene], AbstractContextManager[None]]:
    @contextmanager
    def inject(scene: Scene) -> Iterator[None]:
        target = (
            give(scene.project.folder / to)
            if (scene.project.folder / to).exists()
            else scene.project.folder / to
        )
        scene.instance.symlink_to(target)
        try:
            yield
        finally:
            scene.instance.unlink()

    return inject


@contextmanager
def _restores_elsewhere(scene: Scene) -> Iterator[None]:
    """The folder of the restores is a link to another folder."""
    real, there = scene.project.restores, scene.project.restores.with_name("restores-real")
    real.rename(there)
    real.symlink_to(there)
    try:
        yield
    finally:
        real.unlink()
        there.rename(real)


@contextmanager
def _restores_a_file(scene: Scene) -> Iterator[None]:
    with absent(scene.project.restores):
        scene.project.restores.write_text("")
        try:
            yield
        finally:
            with suppress(FileNotFoundError, IsADirectoryError):
                remove(scene.project.restores)


def _filled(moment: str) -> Callable[[Scene], Ended]:
    """Somebody else takes the rest of the file system meanwhile."""

    def run(scene: Scene) -> Ended:
        with started(scene.project, *scene.words, apart=True) as run:
            with run.held(lambda: reached(scene, moment), moment):
                fill(scene.project.restores / "somebody-elses")
            return run.ended()

    return run


FAULTS = [
    Fault("port-taken", "the port is taken by something else", at(STAGES, failed("port-taken")), _port_taken),
    Fault(
        "name-taken",
        "a folder of somebody else has the restore's name",
        at(STAGES, failed("not-ours")),
        _folder,
    ),
    Fault(
        "mark-damaged",
        "the mark of a restore cannot be read",
        at(STAGES, failed("mark-unreadable")),
        _half_marked,
    ),
    Fault(
        "name-a-file",
        "a file has the restore's name",
        at(STAGES, failed("not-ours")),
        lambda scene: extra(scene.instance, "x"),
    ),
    Fault(
        "name-a-link",
        "a symbolic link stands where the restore's folder belongs",
        at(STAGES, failed("not-ours")),
        _link(".reforge"),
    ),
    Fault(
        "name-a-dangling-link",
        "a symbolic link to nowhere stands there",
        at(STAGES, failed("not-ours")),
        _link("nowhere"),
    ),
    Fault(
        "restores-a-link",
        "the folder of the restores is a symbolic link",
        unharmed("preview"),
        _restores_elsewhere,
    ),
    Fault(
        "restores-a-file",
        "a file stands where the folder of the restores belongs",
        at(STAGES, failed("folder-unusable")),
        _restores_a_file,
    ),
    Fault(
        "restores-missing",
        "the folder of the restores is missing",
        unharmed("preview"),
        lambda scene: absent(scene.project.restores),
    ),
    Fault(
        "disk-too-small",
        "the disk is too small for the restore",
        at(STAGES, failed("no-space")),
        lambda scene: small_filesystem(scene.project.restores, TOO_SMALL),
        needs=cannot_mount,
    ),
    *(
        Fault(
            f"disk-filled-{moment}",
            f"the disk becomes full while the restore is {moment}",
            at("restore", failed("no-space")),
            lambda scene: small_filesystem(scene.project.restores, ENOUGH),
            run=_filled(moment),
            needs=cannot_mount,
        )
        for moment in ("copying", "recovering")
    ),
    Fault(
        "restores-read-only",
        "the file system of the restores is read-only",
        at(STAGES, failed("folder-unusable")) | at("teardown", failed("file-unusable")),
        lambda scene: read_only(scene.project.restores),
        needs=cannot_mount,
    ),
]
