"""The finders: each file of this folder is one, found by its name, with a function ``look(scene)``."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from importlib import import_module

from stacks.providers.local.discovery.clues import ask
from stacks.providers.local.discovery.machine import Machine
from stacks.providers.local.discovery.report import Discovery, Found, Unseen
from stacks.providers.local.discovery.scene import Scene


def look_around(url: str, machine: Machine | None = None, consoles: Sequence[str] = ()) -> Discovery:
    """Everything that can be seen of the server of ``url``; what cannot be is told, and is no error.

    ``consoles``: URLs of pgbouncers' admin consoles, asked whether they lead to it.
    """
    scene = Scene(ask(url), machine or Machine(), consoles)
    seen: list[Found | Unseen] = []
    if scene.clues.error:
        seen.append(
            Unseen(
                "server",
                f"it does not answer: {scene.clues.error}",
                "the right --url, or every option by hand",
            )
        )
    for module in pkgutil.iter_modules(__path__):
        seen += import_module(f"{__name__}.{module.name}").look(scene)
    return Discovery(
        tuple(one for one in seen if isinstance(one, Found)),
        tuple(one for one in seen if isinstance(one, Unseen)),
    )
