"""supervisord: program groups whose commands, variables or dotenv files lead to the database."""

from __future__ import annotations

import configparser
import glob
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from stacks.providers.local.discovery.machine import Process, text_of
from stacks.providers.local.discovery.poolers import ports
from stacks.providers.local.discovery.report import Found, Unseen
from stacks.providers.local.discovery.scene import Scene, keys_of

WHAT = "supervisord"
_USUAL = ("etc/supervisor/supervisord.conf", "etc/supervisord.conf")
_DOTENV = re.compile(r"/[^\s\"',;=]*\.env\b|/[^\s\"',;=]*/\.env\b")


def look(scene: Scene) -> Iterator[Found | Unseen]:
    """Each group that mentions the database, as a proposal: only people know whether it writes."""
    for process in scene.processes:
        if any(
            Path(word).name == "supervisord" or word == "supervisor.supervisord"
            for word in process.arguments[:4]
        ):
            conf = _conf(scene, process)
            settings = _settings(conf) if conf else None
            if settings is None:
                why = (
                    f"pid {process.pid} runs with {conf or 'an unknown configuration'}, which may not be read"
                )
                yield Unseen(WHAT, why, "--supervisor SERVER#GROUP")
            else:
                yield from _groups(scene, settings, conf or Path())


def _conf(scene: Scene, process: Process) -> Path | None:
    words = process.arguments
    given = [after for flag, after in pairwise(words) if flag in ("-c", "--configuration")]
    if given:
        return process.resolve(given[0])
    return next((path for path in map(scene.machine.at, _USUAL) if path.exists()), None)


def _settings(conf: Path) -> configparser.RawConfigParser | None:
    """The configuration with what it includes; None where it cannot be read."""
    settings = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(" ;", "\t;"))
    try:
        with conf.open() as file:
            settings.read_file(file)
        for pattern in settings.get("include", "files", fallback="").split():
            here = pattern.replace("%(here)s", str(conf.parent))
            settings.read(sorted(glob.glob(str(conf.parent / here))))
    except (OSError, configparser.Error, UnicodeDecodeError):
        return None
    return settings


def _groups(scene: Scene, settings: configparser.RawConfigParser, conf: Path) -> Iterator[Found | Unseen]:
    server = _server(settings, conf)
    group_of = {
        program.strip(): section.partition(":")[2]
        for section in settings.sections()
        if section.startswith("group:")
        for program in settings.get(section, "programs", fallback="").split(",")
    }
    leading = ports(scene)
    for section in settings.sections():
        kind, _, program = section.partition(":")
        if kind != "program":
            continue
        text = "\n".join(f"{name}={value}" for name, value in settings.items(section)).replace(
            "%(here)s", str(conf.parent)
        )
        files = _dotenvs(text, scene, leading)
        if files or scene.mentions(text, leading):
            group = group_of.get(program, program)
            by = f"its environment, {files[0][0]}" if files else "its command or environment"
            yield Found(WHAT, group, f"program {program} of {conf}: {by}", f"--supervisor {server}#{group}")
        for path, key in files:
            yield Found("dotenv file", f"{path}: {key}", f"program {program}", f"--env-file {path}:{key}")


def _server(settings: configparser.RawConfigParser, conf: Path) -> str:
    """How its XML-RPC is reached."""
    socket = settings.get("unix_http_server", "file", fallback="").replace("%(here)s", str(conf.parent))
    inet = settings.get("inet_http_server", "port", fallback="")
    return f"unix://{socket}" if socket else f"http://{inet}" if inet else "SERVER"


def _dotenvs(text: str, scene: Scene, leading: set[int]) -> list[tuple[str, str]]:
    """Dotenv files that a program is told of, and their variables that lead to the database."""
    paths = dict.fromkeys(_DOTENV.findall(text))
    return [(path, key) for path in paths for key in keys_of(text_of(Path(path)) or "", scene, leading)]
