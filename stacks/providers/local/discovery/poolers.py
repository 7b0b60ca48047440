"""pgbouncers that run here, and the names under which they lead to this server."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stacks.providers.local.discovery.machine import Process
from stacks.providers.local.discovery.scene import Scene


@dataclass(frozen=True)
class Pooler:
    """A running pgbouncer; ``databases`` are its names that lead to the server, None where not readable."""

    process: Process
    ini: Path | None
    address: str = ""
    port: int = 6432
    databases: tuple[str, ...] | None = None
    admins: tuple[str, ...] = ()


def poolers(scene: Scene) -> Iterator[Pooler]:
    """Each pgbouncer among the processes, with its ini file as far as it may be read."""
    for process in scene.processes:
        if process.program == "pgbouncer":
            plain = [word for word in process.arguments[1:] if not word.startswith("-")]
            ini = process.resolve(plain[-1]) if plain else None
            yield _read(scene, process, ini)


def ports(scene: Scene) -> set[int]:
    """Ports that lead to the database: the server's own, and those of its poolers."""
    return {scene.clues.port, *(one.port for one in poolers(scene) if one.databases)}


def _read(scene: Scene, process: Process, ini: Path | None) -> Pooler:
    settings = configparser.ConfigParser(
        interpolation=None, strict=False, delimiters=("=",), comment_prefixes=(";", "#"), allow_no_value=True
    )
    try:
        with open(ini or "") as file:
            settings.read_file(line for line in file if not line.startswith("%include"))
    except (OSError, configparser.Error, UnicodeDecodeError):
        return Pooler(process, ini)
    own = settings["pgbouncer"] if settings.has_section("pgbouncer") else {}
    entries = settings["databases"] if settings.has_section("databases") else {}
    admins = str(own.get("admin_users") or "").replace(",", " ").split()
    return Pooler(
        process,
        ini,
        str(own.get("listen_addr") or ""),
        int(own.get("listen_port") or 6432),
        tuple(name for name, words in entries.items() if _leads(scene, name, words or "")),
        tuple(admins),
    )


def _leads(scene: Scene, name: str, words: str) -> bool:
    known = dict(pair for pair in (word.split("=", 1) for word in words.split()) if len(pair) == 2)
    database = known.get("dbname", name).strip("'")
    there = scene.leads_here(known.get("host", "").strip("'"), known.get("port"))
    return there and (database == scene.clues.database or name == "*")
