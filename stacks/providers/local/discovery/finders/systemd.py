"""systemd: units whose commands, variables or environment files lead to the database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from stacks.providers.local.discovery.machine import text_of
from stacks.providers.local.discovery.poolers import ports
from stacks.providers.local.discovery.report import Found, Unseen
from stacks.providers.local.discovery.scene import Scene, keys_of

WHAT = "systemd unit"
_FILE = re.compile(r"^\s*EnvironmentFile\s*=\s*-?(\S+)", re.MULTILINE)


def look(scene: Scene) -> Iterator[Found | Unseen]:
    """Names only, as proposals: Reforge stops no units, so what writes there is to be stopped by hand."""
    leading = ports(scene)
    for path in scene.machine.units():
        text = text_of(path)
        unit = path.parent.name.removesuffix(".d") if path.suffix == ".conf" else path.name
        if text is None:
            yield Unseen(WHAT, f"{path} is not for this account to read", f"systemctl cat {unit}")
            continue
        for file in _FILE.findall(text):
            yield from _dotenv(scene, unit, Path(file), leading)
        if scene.mentions(text, leading):
            yield _unit(unit, str(path))


def _dotenv(scene: Scene, unit: str, file: Path, leading: set[int]) -> Iterator[Found | Unseen]:
    text = text_of(file)
    if text is None:
        yield Unseen(
            "dotenv file", f"{unit} reads {file}, which this account may not", f"--env-file {file}:KEY"
        )
        return
    for key in keys_of(text, scene, leading):
        yield _unit(unit, str(file))
        yield Found("dotenv file", f"{file}: {key}", f"EnvironmentFile of {unit}", f"--env-file {file}:{key}")


def _unit(unit: str, by: str) -> Found:
    stop = f"if it writes: systemctl stop {unit}, before the pause"
    return Found(WHAT, unit, f"{by} leads to the database", stop)
