"""WAL that is missing, cut short, damaged or of somebody else, and timelines that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.faults.breaking import absent, extra, rewritten
from tests.faults.fault import EVERYWHERE, Fault, at, failed, unharmed
from tests.faults.scene import Scene

STAGES = "preview restore"
Inject = Callable[[Scene], AbstractContextManager[object]]
_HEADER = slice(0, 40)


def segments(scene: Scene) -> list[Path]:
    """The archived files of the WAL that the restore needs, in their order."""
    backup = next(scene.archive.glob("*.backup"), None)
    first = backup.name[:24] if backup else ""
    return sorted(path for path in scene.archive.iterdir() if _is_segment(path) and path.name[:24] >= first)


def _is_segment(path: Path) -> bool:
    return len(path.name.split(".")[0]) == 24 and "backup" not in path.name


def _first(scene: Scene) -> Path:
    return segments(scene)[0]


def _last(scene: Scene) -> Path:
    return segments(scene)[-1]


def changed(which: Callable[[Scene], Path], change: Callable[[bytes], bytes]) -> Inject:
    return lambda scene: rewritten(which(scene), change)


def _damaged(content: bytes) -> bytes:
    """Wrong from the first records on; the header is whole."""
    return content[:256] + bytes(byte ^ 0x55 for byte in content[256:8192]) + content[8192:]


def _flipped_header(content: bytes) -> bytes:
    return bytes(byte ^ 0xFF for byte in content[_HEADER]) + content[_HEADER.stop :]


def _of_another_cluster(content: bytes) -> bytes:
    """The system identifier is in the eight bytes after the short header (xlog_internal.h)."""
    return content[:24] + bytes([content[24] ^ 1]) + content[25:]


def _history(text: str, timeline: int = 2) -> Inject:
    return lambda scene: extra(scene.archive / f"{timeline:08X}.history", text)


@contextmanager
def _second_timeline(scene: Scene) -> Iterator[None]:
    """A timeline that branches off after the backup, and whose own WAL is not there."""
    branch = int(_last(scene).name[16:24], 16)
    with extra(scene.archive / "00000002.history", f"1\t0/{branch:X}000028\tno reason\n"):
        yield


FAULTS = [
    Fault(
        "wal-first-missing",
        "the first WAL segment is missing",
        at(STAGES, failed("wal-missing")),
        lambda scene: absent(_first(scene)),
        sources=EVERYWHERE,
    ),
    Fault(
        "wal-last-missing",
        "the WAL segment of the target is missing, and nothing comes after it",
        at(STAGES, failed("wal-not-archived-yet")),
        lambda scene: absent(_last(scene)),
        sources=EVERYWHERE,
    ),
    Fault(
        "wal-all-missing",
        "the archive holds no WAL",
        at(STAGES, failed("wal-not-archived-yet")),
        lambda scene: absent(*segments(scene)),
        sources=EVERYWHERE,
    ),
    Fault(
        "wal-truncated",
        "a WAL segment is cut short",
        at(STAGES, failed("wal-missing")),
        changed(_first, lambda content: content[: len(content) // 2]),
    ),
    Fault(
        "wal-empty",
        "a WAL segment is empty",
        at(STAGES, failed("wal-missing")),
        changed(_last, lambda _content: b""),
    ),
    Fault(
        "wal-header-damaged",
        "a WAL segment's header is damaged",
        at(STAGES, failed("wal-missing")),
        changed(_first, _flipped_header),
    ),
    Fault(
        "wal-damaged",
        "the records of a WAL segment are damaged",
        at(STAGES, failed("wal-damaged")),
        changed(_first, _damaged),
    ),
    Fault(
        "wal-of-another-cluster",
        "a WAL segment is of another cluster",
        at(STAGES, failed("wal-missing")),
        changed(_first, _of_another_cluster),
    ),
    Fault(
        "history-unreadable",
        "a timeline's history file is damaged",
        at(STAGES, failed("timeline-history-unreadable")),
        _history("this is no history\n"),
    ),
    Fault(
        "timeline-of-strangers",
        "a newer timeline branched off before the backup",
        unharmed(STAGES),
        _history("1\t0/1000028\tno reason\n"),
    ),
    Fault(
        "timeline-without-wal",
        "a newer timeline branched off before the target, and its WAL is missing",
        at(STAGES, failed("wal-not-archived-yet")),
        _second_timeline,
    ),
    Fault(
        "history-missing",
        "WAL of a newer timeline is there without its history file",
        unharmed(STAGES),
        lambda scene: extra(scene.archive / f"00000002{_last(scene).name[8:]}", _last(scene).read_bytes()),
    ),
    Fault(
        "archive-missing",
        "the archive's folder is missing",
        at(STAGES, failed("archive-unreadable")),
        lambda scene: absent(scene.archive),
    ),
]
