"""The same change of a stack, once as a stage of ours and once by hand with a bare ``pulumi up``."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cli.render import Screen
from cli.session import Session

_URL = "postgresql://app:secret@127.0.0.1:5432/app"


def make_project(folder: Path) -> Path:
    """A project whose one writer is a flag in a file, so that the engine is all that is measured."""
    from cli.commands.init import command

    project = folder / "project"
    for name in ("base", "wal", "restores"):
        (folder / name).mkdir()
    flags = folder / "flags.env"
    flags.write_text("ingestion=true\n")
    words = ["--url", _URL, "--backups", str(folder / "base"), "--archive", str(folder / "wal")]
    words += ["--directory", str(folder / "restores"), "--flag", f"{flags}:ingestion", "--yes"]
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        command.main(words, obj=Session(Screen(as_json=True), project, "local"), standalone_mode=False)
    return project


@dataclass(frozen=True)
class Stages:
    """Turns the writers off and on again, by either way."""

    project: Path

    def ours(self) -> None:
        """Through our command line: preview, gate, plan, apply."""
        words = ["resume"] if self._paused else ["pause", "--no-diagnostics"]
        reforge = Path(sys.executable).parent / "reforge"
        subprocess.run([reforge, "-C", self.project, *words, "--yes"], check=True, capture_output=True)

    def bare(self) -> None:
        """The config edited by hand, then a bare ``pulumi up --yes``."""
        now, then = ("none", "all") if self._paused else ("all", "none")
        path = self._session.file.path
        path.write_text(path.read_text().replace(f"reforge:writing: {now}", f"reforge:writing: {then}"))
        engine = self._session.engine
        command = [str(engine.program), "up", "--yes", "--non-interactive", "--stack", "local"]
        subprocess.run(command, cwd=self.project, env=engine.environment, check=True, capture_output=True)

    @property
    def _session(self) -> Session:
        return Session(Screen(as_json=True), self.project, "local")

    @property
    def _paused(self) -> bool:
        return bool(self._session.file.raw["writing"] == "none")
