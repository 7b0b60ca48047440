"""A Pulumi project in a folder of its own, run by this machine's engine with a state of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolchain.engine import engine_environment, get_engine

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ran:
    """A run of the engine that has ended."""

    code: int
    said: str

    def ok(self) -> str:
        """What it said; AssertionError where it failed or warned of anything."""
        assert self.code == 0, self.said
        assert "warning" not in self.said.lower(), self.said
        return self.said

    def failed(self) -> str:
        """What it said; AssertionError where it did not fail, or failed with a traceback."""
        assert self.code != 0, self.said
        assert "Traceback" not in self.said, self.said
        return self.said


@dataclass(frozen=True)
class PulumiProject:
    """A project ``try`` with one stack ``test``; its program can import this repository."""

    folder: Path

    def make(self, plugin: Path, **others: Path) -> PulumiProject:
        """Write the project, whose provider ``dbrestore`` lies in the folder ``plugin``, and its stack.

        ``others`` are folders of further providers by name.
        """
        for made in (self.folder, self.folder / "state"):
            made.mkdir()
        (self.folder / "Pulumi.yaml").write_text(
            "name: try\nruntime:\n  name: python\nplugins:\n  providers:\n"
            + "".join(
                f"    - name: {name}\n      path: {path}\n"
                for name, path in {"dbrestore": plugin, **others}.items()
            )
        )
        assert not self.run("stack", "init", "test").code
        return self

    def program(self, text: str) -> None:
        """Write the program."""
        start = f"import sys\nsys.path.insert(0, {str(REPOSITORY)!r})\nimport pulumi\n"
        (self.folder / "__main__.py").write_text(start + text)

    def run(self, *arguments: str) -> Ran:
        """Run the engine to its end."""
        with self.start(*arguments) as process:
            said, _ = process.communicate(timeout=90)
        return Ran(process.returncode, said)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Run the engine; both its streams in one."""
        return subprocess.Popen(
            ["pulumi", "--non-interactive", "--color", "never", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def state(self) -> dict[str, Any]:
        """The stack's resources as the backend keeps them, by type; the text of it all under ``""``."""
        text = self.run("stack", "export").ok()
        resources = json.loads(text)["deployment"].get("resources", [])
        return {one["type"]: one for one in resources} | {"": text}

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **engine_environment(get_engine()),
            "PULUMI_BACKEND_URL": f"file://{self.folder}/state",
            "PULUMI_CONFIG_PASSPHRASE": "of this test",
            "PULUMI_HOME": str(self.folder / "home"),
            "REFORGE_PYTHON": sys.executable,
        }
