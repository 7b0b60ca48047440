"""Where base backups are: beside the archive, in the usual places, in the repository of a tool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from archive.backups import list_backups
from problem import Problem
from stacks.providers.local.discovery.report import Found, Unseen
from stacks.providers.local.discovery.repositories import repositories
from stacks.providers.local.discovery.scene import Scene

WHAT, OPTION = "base backups", "--backups FOLDER_OR_URL"
_USUAL = (
    "backup backups srv/backup srv/backups srv/pgbackup var/backups var/backups/postgresql "
    "var/lib/postgresql/backups var/lib/pgsql/backups mnt/backup mnt/backups"
).split()
_MOST = 200  # entries of a folder that are looked into


def look(scene: Scene) -> Iterator[Found | Unseen]:
    """Folders that hold backups of this very cluster, known by its system identifier."""
    tools = list(repositories(scene))
    yield from tools
    seen = False
    for folder in _places(scene):
        if found := _in(scene, folder):
            seen = True
            yield found
    if not seen and not tools:
        yield Unseen(WHAT, _told(scene), OPTION)


def _places(scene: Scene) -> list[Path]:
    """Each folder once: beside the archive, in it, and where people put backups."""
    places = [scene.machine.at(place) for place in _USUAL]
    if scene.archiving.kind == "folder" and scene.archiving.place.startswith("/"):
        archive = Path(scene.archiving.place)
        places = [archive, archive.parent, *_folders(archive.parent), *places]
    return list(dict.fromkeys(path for path in places if path != scene.data_directory))


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())[:_MOST]
    except OSError:
        return []


def _in(scene: Scene, folder: Path) -> Found | None:
    if not any(_looks_like_one(path) for path in _folders(folder)):
        return None
    try:
        listed = [
            one for one in list_backups(folder) if scene.clues.system_identifier == one.system_identifier
        ]
    except Problem:
        return None
    if not listed:
        return None
    newest = listed[-1]
    evidence = (
        f"{len(listed)} of this cluster, the newest {newest.name} of {newest.started_at:%Y-%m-%d %H:%M:%SZ}"
    )
    return Found(WHAT, str(folder), evidence, f"--backups {folder}", {"backups": str(folder)})


def _looks_like_one(path: Path) -> bool:
    try:
        return any(
            (path / name).exists() for name in ("backup_manifest", "backup_label", "base.tar", "base.tar.gz")
        )
    except OSError:
        return False


def _told(scene: Scene) -> str:
    """What the archive knows of backups that lie elsewhere: pg_basebackup leaves a .backup file there."""
    folder = Path(scene.archiving.place) if scene.archiving.kind == "folder" else None
    try:
        told = sorted(path.name for path in folder.glob("*.backup*")) if folder else []
    except OSError:
        told = []
    known = f"; the archive tells of {len(told)}, the last {told[-1]}" if told else ""
    return f"none of this cluster beside the archive or in the usual places{known}"
