"""A project of Reforge's whose clouds are the echo: by our command line, or by the engine itself."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from cli.engine import Engine
from cli.events import Outcome
from cli.projectfiles import stack_text
from rehearsal.driver import Driver
from tests.support.echo.grounds import Ground
from tests.support.pulumi_project import REPOSITORY
from tests.support.recorded import named

HERE = Path(__file__).parent
STACK = "prod"
CALLS = "calls.jsonl"
EMPTY = {"secure": ""}


@dataclass(frozen=True)
class EchoProject:
    """One project with the stack ``prod``."""

    folder: Path

    def make(self, config: dict[str, Any], ground: Ground) -> EchoProject:
        """Write the project and its config, its packages by the echo; the connection string is a secret."""
        plugins = [{"name": name, "path": str(HERE)} for name in ground.packages]
        project = {"name": "reforge", "runtime": "python", "plugins": {"providers": plugins}}
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(project, sort_keys=False))
        start = f"import sys\nsys.path.insert(0, {str(REPOSITORY)!r})\n{ground.before}"
        (self.folder / "__main__.py").write_text(f"{start}\nfrom stacks.program import main\n\nmain()\n")
        (self.folder / ".reforge").mkdir(mode=0o700)
        self.engine.make_stack()
        self.configure({**config, "source-url": EMPTY})
        self.engine.keep_secret("source-url", ground.url)
        return self

    def configure(self, config: dict[str, Any]) -> None:
        """Write the stack's config as somebody edits it; the backend's own lines stay."""
        kept = self.file.read_text().partition("config:")[0] if self.file.exists() else ""
        self.file.write_text(stack_text(kept, config))

    def edit(self, **changes: Any) -> None:
        """Change values of the config, named with underscores."""
        values = deepcopy(yaml.safe_load(self.file.read_text())["config"])
        found = {name.removeprefix("reforge:"): value for name, value in values.items()}
        self.configure(found | {name.replace("_", "-"): value for name, value in changes.items()})

    def preview(self) -> Outcome:
        """What ``pulumi preview --diff`` says."""
        return self.engine.preview(None, None, lambda _event: None)

    def up(self) -> Outcome:
        return self.engine.up(None, lambda _event: None, lambda _pid: None, checked=True)

    @property
    def file(self) -> Path:
        return self.folder / f"Pulumi.{STACK}.yaml"

    @property
    def raw(self) -> dict[str, Any]:
        """The config's values without their prefix."""
        values = yaml.safe_load(self.file.read_text())["config"]
        return {name.removeprefix("reforge:"): value for name, value in values.items()}

    @cached_property
    def engine(self) -> Engine:
        return Engine(self.folder, STACK, self.folder / ".reforge")

    @property
    def reforge(self) -> Driver:
        """The command line on this project."""
        return Driver(self.folder, lambda _line: None)

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """What the engine's state holds, by name."""
        found = self.engine.state().get("resources") or []
        return {one["urn"].rsplit("::", 1)[-1]: one for one in found}

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What the echo was asked to change."""
        file = self.folder / CALLS
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@contextmanager
def echo_project(folder: Path, ground: Ground, **changes: Any) -> Iterator[EchoProject]:
    """One in a folder of its own; all its runs share plugins. ``changes`` to the ground's config.

    In the end no recorded call may have named the original but to say what a restore is made from.
    """
    folder.mkdir()
    with ground.played(), mock.patch.dict(os.environ, ECHO_CALLS=str(folder / CALLS)):
        project = EchoProject(folder).make(ground.config | changes, ground)
        with project.engine.plugins():
            yield project
    original = ground.source["instance"]
    assert not [call for call in project.calls if list(named(call["values"], original))]
