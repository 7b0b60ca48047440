"""Base backups that are damaged, unfinished, or not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.faults.breaking import absent, extra, flipped, rewritten
from tests.faults.fault import Fault, at, failed, unharmed
from tests.faults.scene import Scene

STAGES = "preview restore"
Inject = Callable[[Scene], AbstractContextManager[object]]


def _largest(scene: Scene) -> Path:
    return max((scene.backup / "base").rglob("[0-9]*"), key=lambda path: path.stat().st_size)


def part(name: str) -> Callable[[Scene], Path]:
    return lambda scene: scene.backup / name


def halved(which: Callable[[Scene], Path]) -> Inject:
    return lambda scene: rewritten(which(scene), lambda content: content[: len(content) // 2])


@contextmanager
def _unfinished(scene: Scene) -> Iterator[None]:
    """A newer backup that was broken off beside the good one."""
    broken = scene.backup.parent / "tuesday"
    broken.mkdir()
    try:
        with extra(broken / "PG_VERSION", "15\n"):
            yield
    finally:
        broken.rmdir()


FAULTS = [
    Fault(
        "backup-missing",
        "the base backup is missing",
        at(STAGES, failed("no-backup", "sources")),
        lambda scene: absent(scene.backup),
    ),
    Fault(
        "backups-folder-missing",
        "the folder of base backups is missing",
        at(STAGES, failed("backups-unreadable")),
        lambda scene: absent(scene.backup.parent),
    ),
    Fault(
        "manifest-missing",
        "the base backup has no manifest",
        at(STAGES, failed("no-backup", "sources")),
        lambda scene: absent(part("backup_manifest")(scene)),
    ),
    Fault(
        "manifest-truncated",
        "the base backup's manifest is cut short",
        at(STAGES, failed("no-backup", "sources")),
        halved(part("backup_manifest")),
    ),
    Fault(
        "label-missing",
        "the base backup has no backup_label",
        at(STAGES, failed("no-backup", "sources")),
        lambda scene: absent(part("backup_label")(scene)),
    ),
    Fault(
        "control-missing",
        "the base backup has no pg_control",
        at(STAGES, failed("no-backup", "sources")),
        lambda scene: absent(part("global/pg_control")(scene)),
    ),
    Fault(
        "backup-file-missing",
        "a file of the base backup is missing",
        at(STAGES, failed("backup-damaged")),
        lambda scene: absent(_largest(scene)),
    ),
    Fault(
        "backup-file-truncated",
        "a file of the base backup is cut short",
        at(STAGES, failed("backup-damaged")),
        halved(_largest),
    ),
    Fault(
        "backup-file-damaged",
        "a bit of the base backup is wrong",
        unharmed("preview") | at("restore", failed("backup-damaged")),
        lambda scene: flipped(_largest(scene)),
    ),
    Fault(
        "backup-file-extra",
        "a file is in the base backup that it does not know",
        at(STAGES, failed("backup-damaged")),
        lambda scene: extra(scene.backup / "base" / "intruder", "x"),
    ),
    Fault(
        "newer-backup-unfinished",
        "a newer base backup was broken off",
        unharmed(STAGES),
        _unfinished,
    ),
]
