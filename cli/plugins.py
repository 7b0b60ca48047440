"""Starts the project's provider plugins once for all runs of the engine within one command.

The engine would start a plugin of its own for every run and wait for it. It is told of ours by
PULUMI_DEBUG_PROVIDERS (https://www.pulumi.com/docs/iac/cli/environment-variables/) and starts its own
where there is none. A plugin ends in order with the process that started it, or, where that was
killed, with the engine that it then works for.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VARIABLE = "PULUMI_DEBUG_PROVIDERS"
ENDING_SECONDS = 90


class Plugins:
    """The plugins that Pulumi.yaml names with a path, as processes of ours."""

    def __init__(self, project: Path, environment: Mapping[str, str]) -> None:
        self._started = {} if VARIABLE in environment else _start(project, environment)
        self._ports: dict[str, int] = {}

    def environment(self) -> dict[str, str]:
        """What tells the engine of them; waits until each serves. One that ended is left to the engine."""
        for name, process in self._started.items():
            if name not in self._ports and process.stdout:
                line = process.stdout.readline().strip()
                self._ports |= {name: int(line)} if line.isdigit() else {}
        alive = {name: port for name, port in self._ports.items() if self._started[name].poll() is None}
        return {VARIABLE: ",".join(f"{name}:{port}" for name, port in alive.items())} if alive else {}

    def end(self) -> None:
        """Ask them to end in order, and wait for it; killed where they do not.

        One that no engine was told of has no work, and is killed at once: it may not listen yet, and where
        SIGINT is ignored (nohup, a job in the background) it would never hear of its end.
        """
        for name, process in self._started.items():
            process.send_signal(signal.SIGINT if name in self._ports else signal.SIGKILL)
        for process in self._started.values():
            try:
                process.wait(ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()
        self._started = {}


def _start(project: Path, environment: Mapping[str, str]) -> dict[str, subprocess.Popen[str]]:
    return {
        name: subprocess.Popen(
            [program],
            cwd=project,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            process_group=0,  # Ctrl-C is told to it by the engine, which has to hear how its work ended
        )
        for name, program in _programs(project).items()
    }


def _programs(project: Path) -> dict[str, Path]:
    """The executables by the plugins' names."""
    import yaml

    settings: dict[str, Any] = yaml.safe_load((project / "Pulumi.yaml").read_text()) or {}
    named = (settings.get("plugins") or {}).get("providers") or []
    found = {one["name"]: project / one["path"] / f"pulumi-resource-{one['name']}" for one in named}
    return {name: path for name, path in found.items() if os.access(path, os.X_OK)}
