"""Where WAL is archived, by archive_command, archive_library and restore_command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stacks.providers.local.discovery.commands import Archiving
from stacks.providers.local.discovery.report import Found, Unseen
from stacks.providers.local.discovery.scene import Scene

WHAT, OPTION = "archive", "--archive FOLDER_OR_URL"


def look(scene: Scene) -> Iterator[Found | Unseen]:
    """The folder or URL, and whether the newest archived segment really lies there."""
    clues = scene.clues
    if clues.error:
        yield Unseen(WHAT, "the server does not answer", OPTION)
        return
    if failed := _failing(scene):
        yield Unseen(WHAT, failed, "mend archive_command first: what is not archived cannot be restored")
    archiving, by = scene.archiving, "archive_command"
    if archiving.kind in ("none", "unknown") and scene.restoring.kind != "none":
        archiving, by = scene.restoring, "restore_command"
    elif not clues.archives:
        yield Unseen(
            WHAT,
            "archive_mode is off: only the end of a backup can be restored",
            f"archive_mode = on, then {OPTION}",
        )
        return
    yield _seen(scene, archiving, by)


def _seen(scene: Scene, found: Archiving, by: str) -> Found | Unseen:
    match found.kind:
        case "folder":
            return _folder(scene, found, by)
        case "url":
            return Found(WHAT, found.place, by, f"--archive {found.place}", {"archive": found.place})
        case "remote":
            why = f"{by} takes it to another machine: {found.place}"
            return Unseen(WHAT, why, "run this there, or mount it: --archive FOLDER")
        case "pgbackrest" | "barman" | "barman-cloud" | "wal-g":
            return Found(WHAT, found.kind, f"{by} calls {found.kind}", "see the backups below")
        case "script":
            why = f"{by} calls {found.place}, which does not show where it takes WAL to"
            return Unseen(WHAT, why, OPTION)
        case "none":
            return Unseen(WHAT, f"{by} archives nothing", OPTION)
        case _:
            return Unseen(WHAT, f"{by} is of no form that is known: {found.place}", OPTION)


def _folder(scene: Scene, found: Archiving, by: str) -> Found | Unseen:
    folder = Path(found.place)
    if not folder.is_absolute():
        if scene.data_directory is None:
            return Unseen(WHAT, f"{by} names {folder}, in a data directory that is not known", OPTION)
        folder = scene.data_directory / folder
    newest = str(scene.clues.archiver.get("last_archived_wal") or "")
    try:
        names = {path.name.removesuffix(found.suffix) for path in folder.iterdir()}
    except OSError as error:
        why = f"{by} names {folder}, which cannot be read here: {error.strerror}"
        return Unseen(WHAT, why, f"run this where it can be read, then --archive {folder}")
    segments = sum(len(name) == 24 for name in names)
    proof = f"it holds {newest}, the last archived" if newest in names else f"{segments} segments"
    packed = f", {found.suffix.lstrip('.')} files" if found.suffix else ""
    evidence = f"{by}; {proof}{packed}"
    if newest and newest not in names:
        return Found(
            WHAT, str(folder), f"{evidence}, but not the last archived {newest}", f"--archive {folder}"
        )
    return Found(WHAT, str(folder), evidence, f"--archive {folder}", {"archive": str(folder)})


def _failing(scene: Scene) -> str:
    """The archiver's own complaint, where its last failure is younger than its last success."""
    archiver = scene.clues.archiver
    failed, done = archiver.get("last_failed_time"), archiver.get("last_archived_time")
    if not failed or (done and done > failed):
        return ""
    return f"archiving fails: {archiver['last_failed_wal']} at {failed:%Y-%m-%d %H:%M:%S%z}"
