"""Where a command works: project, stack, screen. Everything heavy is opened on first use."""

from __future__ import annotations

import os
import shlex
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from problem import Misuse

if TYPE_CHECKING:
    from cli.engine import Engine
    from cli.journal import Journal
    from cli.render import Screen
    from cli.stackfile import StackFile

_STATE = ".reforge"


class Session:
    """One run of the command line."""

    def __init__(self, screen: Screen, project: Path | None = None, stack: str | None = None) -> None:
        self.screen = screen
        self._project, self._stack = project, stack

    @property
    def start(self) -> Path:
        """The folder named, or the one we are in."""
        return (self._project or Path.cwd()).resolve()

    @property
    def named_stack(self) -> str | None:
        """The stack named on the command line or in the environment."""
        return self._stack

    @cached_property
    def project(self) -> Path:
        """The folder that holds Pulumi.yaml: the one named, or this one, or the nearest above."""
        start, above = self.start, "" if self._project else " or above it"
        places = [start] if self._project else [start, *start.parents]
        for folder in places:
            if (folder / "Pulumi.yaml").is_file():
                return folder
        raise Misuse("no-project", f"There is no Pulumi.yaml in {start}{above}.", "Make one: reforge init")

    @cached_property
    def stack(self) -> str:
        """The stack named, or the only one that has a file here."""
        if self._stack:
            return self._stack
        found = sorted(
            file.name.removeprefix("Pulumi.").removesuffix(".yaml")
            for file in self.project.glob("Pulumi.*.yaml")
        )
        if len(found) == 1:
            return found[0]
        cure = f"Name one of them: --stack {found[0]}" if found else "Make one: reforge init"
        count = f"{len(found)} stacks: {', '.join(found)}" if found else "no stack"
        what = f"{self.project} has {count}."
        raise Misuse("which-stack", what, cure)

    @cached_property
    def folder(self) -> Path:
        """What Reforge keeps for this project: journal, plans, reports, and by default the state."""
        folder = self.project / _STATE
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    @cached_property
    def file(self) -> StackFile:
        """The stack's config file."""
        from cli.stackfile import StackFile

        return StackFile(self.project / f"Pulumi.{self.stack}.yaml")

    @cached_property
    def journal(self) -> Journal:
        """What was done to this stack so far."""
        from cli.journal import Journal

        return Journal(self.project / _STATE / "journal" / f"{self.stack}.jsonl")

    @cached_property
    def engine(self) -> Engine:
        """The door to Pulumi."""
        from cli.engine import Engine

        return Engine(self.project, self.stack, self.folder)

    def use(self, project: Path, stack: str) -> None:
        """Work on this project and stack from now on, as ``init`` does that makes them."""
        self.__dict__.update(project=project, stack=stack)

    def forget_file(self) -> None:
        """The stack's file was written by somebody else: read it anew."""
        self.__dict__.pop("file", None)

    def command(self, *words: str) -> str:
        """A command line of ours that means this same project and stack."""
        prefix = ["reforge"]
        if self._project:
            prefix += ["-C", shlex.quote(os.fspath(self._project))]
        if self._stack:
            prefix += ["--stack", shlex.quote(self._stack)]
        return " ".join([*prefix, *words])
