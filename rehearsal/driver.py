"""Drives Reforge's command line as its user does: a subprocess, its words passed on, its JSON read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from problem import Problem

Say = Callable[[str], None]
_FOREIGN = ("PULUMI_", "REFORGE_STACK", "REFORGE_SOURCE_URL", "PYTEST_")
"""What a user may have set for stacks of their own: a rehearsal has its own backend and passphrase."""


@dataclass(frozen=True)
class Answer:
    """How one command ended."""

    exit_code: int
    document: dict[str, Any]
    words: str


@dataclass(frozen=True)
class Driver:
    """The command line on one project."""

    project: Path
    say: Say

    def run(self, *words: str, expect: int = 0, secrets: dict[str, str] | None = None) -> Answer:
        """Run ``reforge --json WORDS``; Problem ``rehearsal-failed`` where it ends otherwise."""
        command = [sys.executable, "-m", "cli", "-C", str(self.project), "--json", *words]
        self.say("$ reforge " + " ".join(words))
        # A file, because a pipe that nobody reads holds up whoever fills it, and the words come first.
        with tempfile.TemporaryFile("w+") as document:
            with subprocess.Popen(
                command,
                env=self._environment() | (secrets or {}),
                stdin=subprocess.DEVNULL,
                stdout=document,
                stderr=subprocess.PIPE,
                text=True,
            ) as process:
                heard = []
                for line in process.stderr or ():
                    heard.append(line)
                    self.say("  " + line.rstrip("\n"))
            document.seek(0)
            printed = document.read()
        if process.returncode != expect:
            what = f"`reforge {' '.join(words)}` ended with {process.returncode}, not {expect}."
            raise Problem("rehearsal-failed", what, "".join(heard[-8:]).strip())
        return Answer(process.returncode, json.loads(printed) if printed.strip() else {}, "".join(heard))

    def url(self, name: str) -> str:
        """The connection string of a restore, in clear."""
        quiet = Driver(self.project, lambda _line: None)
        return str(quiet.run("env", name, "--show").document["url"])

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        state = self.project / ".reforge" / "state"
        state.mkdir(parents=True, exist_ok=True)
        return kept | {"PULUMI_BACKEND_URL": state.as_uri(), "REFORGE_PYTHON": sys.executable}
