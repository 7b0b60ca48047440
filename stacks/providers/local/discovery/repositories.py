"""Repositories of pgBackRest, Barman and WAL-G that a cluster archives into."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stacks.providers.local.discovery.commands import Archiving
from stacks.providers.local.discovery.machine import text_of
from stacks.providers.local.discovery.report import Found, Unseen
from stacks.providers.local.discovery.scene import Scene
from toolchain.accounts import popen_as, server_account

WHAT = "base backups"
_SECONDS = 30
_BARMAN_CONF = "etc/barman.conf"
_BARMAN_HOME = re.compile(r"^\s*barman_home\s*=\s*(\S+)", re.MULTILINE)
_PGBACKREST_CONF = ("etc/pgbackrest/pgbackrest.conf", "etc/pgbackrest.conf")


def repositories(scene: Scene) -> Iterator[Found | Unseen]:
    """By archive_command, and for pgBackRest by its configuration too."""
    for found in (scene.archiving, scene.restoring):
        if found.kind == "pgbackrest":
            yield _pgbackrest(scene, found)
        elif found.kind == "barman" or (found.kind == "folder" and found.place.endswith("/incoming")):
            yield _barman(scene, found)
        elif found.kind == "barman-cloud":
            yield Unseen(
                WHAT, f"barman-cloud archives to {found.place}", f"--backups {found.place}/... by hand"
            )
        elif found.kind == "wal-g":
            yield _wal_g(scene, found)
        else:
            continue
        return
    yield from _configured(scene)


def _pgbackrest(scene: Scene, found: Archiving) -> Found | Unseen:
    config = found.option("config") or next(
        (str(scene.machine.at(path)) for path in _PGBACKREST_CONF if scene.machine.at(path).exists()), ""
    )
    settings = {"stanza": found.place, "config": config or "/etc/pgbackrest/pgbackrest.conf"}
    yaml = _yaml("pgbackrest", settings)
    told = _info(found.place, config)
    backups = (
        [] if isinstance(told, str) else [one["label"] for each in told for one in each.get("backup", [])]
    )
    if not backups:
        why = told if isinstance(told, str) else "; ".join(each["status"]["message"] for each in told)
        return Unseen(WHAT, f"pgBackRest's stanza {found.place}: {why or 'no backups'}", yaml)
    return Found(
        WHAT,
        f"pgBackRest's stanza {found.place}",
        f"pgbackrest info: {len(backups)} backups, the newest {backups[-1]}",
        yaml,
        {"pgbackrest": settings} if config else {},
    )


def _info(stanza: str, config: str) -> list[dict[str, Any]] | str:
    """What ``pgbackrest info`` says, or why it says nothing."""
    program = shutil.which("pgbackrest")
    if program is None:
        return "pgbackrest is not installed here"
    command = [
        program,
        f"--stanza={stanza}",
        *([f"--config={config}"] if config else []),
        "--output=json",
        "info",
    ]
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, cwd="/", **popen_as(server_account())
        )
        return list(json.loads(ran.stdout)) if ran.returncode == 0 else _last_line(ran.stdout + ran.stderr)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return f"pgbackrest info gave no answer: {type(error).__name__}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "pgbackrest info gave no answer"


def _configured(scene: Scene) -> Iterator[Found | Unseen]:
    """A stanza of pgBackRest's configuration for this data directory, where nothing archives into it."""
    for path in (scene.machine.at(place) for place in _PGBACKREST_CONF):
        stanza = ""
        for line in (text_of(path) or "").splitlines():
            if line.startswith("["):
                stanza = line.strip("[] ")
            elif line.replace(" ", "").startswith("pg1-path=") and scene.data_directory:
                if Path(line.partition("=")[2].strip()) == scene.data_directory:
                    yield _pgbackrest(
                        scene, Archiving("pgbackrest", stanza, options=(("config", str(path)),))
                    )


def _barman(scene: Scene, found: Archiving) -> Found | Unseen:
    """Its folders on this machine, by its configuration or by where WAL comes in."""
    server, home = found.place, Path("/var/lib/barman")
    if found.kind == "folder":
        home, server = Path(found.place).parents[1], Path(found.place).parent.name
    elif said := re.search(
        r"^\s*barman_home\s*=\s*(\S+)", text_of(scene.machine.at(_BARMAN_CONF)) or "", re.M
    ):
        home = Path(said[1])
    settings = {"home": str(home), "server": server}
    yaml = _yaml("barman", settings)
    try:
        backups = sorted(path.name for path in (home / server / "base").iterdir())
    except OSError as error:
        host = found.option("host") or "this machine"
        why = f"Barman on {host} keeps them as {server}; {home / server / 'base'}: {error.strerror}"
        return Unseen(WHAT, why, f"where they can be read: {yaml}")
    evidence = f"{len(backups)} backups, the newest {backups[-1] if backups else 'none'}"
    return Found(
        WHAT, f"Barman's {server} in {home}", evidence, yaml, {"barman": settings} if backups else {}
    )


def _wal_g(scene: Scene, found: Archiving) -> Found | Unseen:
    """WAL-G's prefix: in the command, or in the folder that envdir is given."""
    names = ("WALG_FILE_PREFIX", "WALG_S3_PREFIX", "WALG_GS_PREFIX", "WALE_S3_PREFIX")
    values = dict(found.options)
    folder = Path(values["envdir"]) if "envdir" in values else scene.machine.at("etc/wal-g.d/env")
    for name in names:
        if prefix := values.get(name) or (text_of(folder / name) or "").strip():
            by = "archive_command" if name in values else str(folder)
            settings = {"prefix": prefix}
            return Found(
                WHAT, f"WAL-G in {prefix}", f"{name} of {by}", _yaml("wal-g", settings), {"wal-g": settings}
            )
    why = f"WAL-G keeps them, where is not seen (no {names[0]} in {folder})"
    return Unseen(WHAT, why, _yaml("wal-g", {"prefix": "FOLDER_OR_URL"}))


def _yaml(tool: str, settings: dict[str, str]) -> str:
    """The config's entry."""
    return f"source: {{{tool}: {{" + ", ".join(f"{name}: {value}" for name, value in settings.items()) + "}}"
