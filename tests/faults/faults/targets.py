"""Targets that cannot be: what is typed is wrong, and its mend is to type the right one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta

from archive.backups import list_backups
from tests.faults.fault import EVERYWHERE, Fault, Outcome, at, failed
from tests.faults.scene import Scene

STAGES = "preview restore"


def typed(target: Callable[[Scene], list[str]]) -> Callable[[Scene], AbstractContextManager[None]]:
    """Another target in the place of the right one."""

    @contextmanager
    def inject(scene: Scene) -> Iterator[None]:
        right = scene.words
        scene.words = [*right[:2], *target(scene), *right[4:]]
        try:
            yield
        finally:
            scene.words = right

    return inject


def _began(scene: Scene) -> datetime:
    return list_backups(scene.site.site.record.backups).usable[0].started_at


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _later(scene: Scene) -> str:
    """After all archived WAL, and not in the future."""
    return _stamp(datetime.now(UTC) - timedelta(milliseconds=50))


def wrong(name: str, what: str, problem: str, target: Callable[[Scene], list[str]]) -> Fault:
    return Fault(name, what, at(STAGES, failed(problem, "sources")), typed(target), sources=EVERYWHERE)


def misused(name: str, what: str, problem: str, target: Callable[[Scene], list[str]]) -> Fault:
    """Refused before anything is looked at: the incident stands where it stood."""
    return Fault(name, what, at(STAGES, Outcome(problem, "paused", "sources")), typed(target))


FAULTS = [
    wrong(
        "target-before-backup",
        "the target lies before the base backup",
        "target-before-backup",
        lambda scene: ["--time", _stamp(_began(scene) - timedelta(hours=1))],
    ),
    wrong(
        "target-in-future",
        "the target lies in the future",
        "target-in-future",
        lambda _scene: ["--time", _stamp(datetime.now(UTC) + timedelta(days=1))],
    ),
    Fault(
        "target-after-wal",
        "nothing was committed, and no WAL archived, after the target",
        at(STAGES, failed("wal-not-archived-yet")),
        typed(lambda scene: ["--time", _later(scene)]),
        sources=EVERYWHERE,
    ),
    misused(
        "target-without-zone",
        "the target has no time zone",
        "config-wrong",
        lambda scene: ["--time", scene.site.target.removesuffix("Z")],
    ),
    misused(
        "target-in-repeated-hour",
        "the target lies in a local hour that comes twice",
        "config-wrong",
        lambda _scene: ["--time", "2025-10-26 02:30:00 Europe/Berlin"],
    ),
    misused("no-target", "no target is typed", "no-target", lambda _scene: []),
    wrong(
        "unknown-restore-point",
        "the restore point is in no WAL",
        "target-not-found",
        lambda _scene: ["--restore-point", "nowhere"],
    ),
    wrong(
        "unknown-transaction",
        "the transaction is in no WAL",
        "target-not-found",
        lambda _scene: ["--xid", "4000000000"],
    ),
    wrong(
        "unknown-backup",
        "there is no base backup of that name",
        "no-backup",
        lambda _scene: ["--snapshot", "tuesday"],
    ),
    wrong(
        "lsn-before-backup",
        "the LSN lies before the base backup",
        "target-before-backup",
        lambda _scene: ["--lsn", "0/1000000"],
    ),
    Fault(
        "lsn-after-wal",
        "the LSN lies after the archived WAL",
        at(STAGES, failed("wal-not-archived-yet")),
        typed(lambda _scene: ["--lsn", "F/1000000"]),
    ),
]
