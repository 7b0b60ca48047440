"""The one door to Pulumi: runs the engine's own command line, follows its events, maps its errors once.

The Automation API is passed by: it imports in a third of a second, and its ``up(plan=)`` finds out
that a plan is violated only midway (docs/decisions/0002-engine-by-its-command-line.md).
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from cli.events import Event, Outcome, follow
from cli.failures import explained, killed
from cli.plugins import Plugins
from problem import Problem

OnEvent = Callable[[Event], None]
_OURS = "::dbrestore:"
UNSURE = "REFORGE_UNSURE"
"""Tells the plugin that what it finds may be its own work, of a run that did not live to say so."""
ENDING_SECONDS = 120
"""How long an interrupted engine may take to bring its resources to a safe point."""


@dataclass(frozen=True)
class Engine:
    """The engine for one stack of one project."""

    project: Path
    stack: str
    folder: Path
    """Where runs, state and passphrase lie."""
    _plugins: list[Plugins] = field(default_factory=list)

    @contextlib.contextmanager
    def plugins(self) -> Iterator[None]:
        """Within it, all runs of the engine share provider plugins that start right away."""
        running = Plugins(self.project, self.environment)
        self._plugins.append(running)
        try:
            yield
        finally:
            self._plugins.remove(running)
            running.end()

    def preview(self, config: Path | None, plan: Path | None, on_event: OnEvent) -> Outcome:
        """What ``up`` would do with a config file, saved as a plan; nothing is changed."""
        words = ["preview", "--diff"]
        words += ["--config-file", str(config)] if config else []
        words += ["--save-plan", str(plan)] if plan else []
        return self._follow(words, on_event)

    def up(
        self, plan: Path | None, on_event: OnEvent, started: Callable[[int], None], *, checked: bool
    ) -> Outcome:
        """Apply a plan, or refuse where it no longer fits. ``checked``: it was made a moment ago."""
        words = ["up", "--yes"] + (["--plan", str(plan)] if plan else [])
        return self._follow(words + (["--skip-preview"] if checked else []), on_event, started)

    def take_stock(self, on_event: OnEvent) -> Outcome | None:
        """Have the state say how things of ours are, after a run that did not live to say so.

        Not what is of a cloud's own package: there each look may find news that mean nothing here.
        """
        found = [one["urn"] for one in self.state().get("resources") or () if _OURS in f"::{one['type']}"]
        if not found:
            return None
        targets = [word for urn in found for word in ("--target", urn)]
        words = ["refresh", "--yes", "--skip-preview", *targets]
        return self._follow(words, on_event, more={UNSURE: "1"})

    def adopt(self, token: str, name: str, identity: str) -> bool:
        """Take a resource that no state knows into ours; False where the plugin finds none of ours there."""
        quietly = ("--yes", "--skip-preview", "--generate-code=false", "--protect=false")
        try:
            self.ask("import", token, name, identity, *quietly, "--stack", self.stack)
        except Problem as problem:
            if "does not exist" in problem.what or "not made by Reforge" in problem.what:
                return False
            raise
        return True

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs with secrets in clear."""
        return dict(
            json.loads(self.ask("stack", "output", "--json", "--show-secrets", "--stack", self.stack))
        )

    def secret(self, key: str, *, path: bool = False) -> str:
        """A config value in clear; ``path``: one that lies within another."""
        words = ["config", "get", f"reforge:{key}", *(["--path"] if path else [])]
        return self.ask(*words, "--stack", self.stack).strip()

    def keep_secret(self, key: str, value: str, *, path: bool = False) -> None:
        """Encrypt a value into the stack's file; it never is an argument of a process."""
        words = ["config", "set", "--secret", f"reforge:{key}", *(["--path"] if path else [])]
        self.ask(*words, "--stack", self.stack, given=value)

    def make_stack(self, secrets_provider: str | None = None) -> None:
        """Make the stack in the backend; one that is there already is no error.

        ``secrets_provider``: the URL of a key that encrypts its secrets, instead of a passphrase.
        """
        words = ["--secrets-provider", secrets_provider] if secrets_provider else []
        self.ask("stack", "init", self.stack, *words, allow="already exists")

    def state(self) -> dict[str, Any]:
        """The stack's deployment as the backend keeps it, secrets encrypted."""
        return dict(json.loads(self.ask("stack", "export", "--stack", self.stack))["deployment"])

    @property
    def halted(self) -> bool:
        """Whether its state tells of a run that died in the middle of changing something of ours."""
        pending = self.state().get("pending_operations") or ()
        return any(one["type"] == "updating" and _OURS in f"::{one['resource']['type']}" for one in pending)

    def unlock(self) -> None:
        """Remove the lock of an engine that is known to be dead, and what it was writing when it died."""
        backend = self.environment.get("PULUMI_BACKEND_URL", "")
        if backend.startswith("file://"):
            _remove_torn(Path(backend.removeprefix("file://")).expanduser())
        self.ask("cancel", "--yes", "--stack", self.stack, allow="not locked")

    def ask(self, *words: str, given: str | None = None, allow: str = "") -> str:
        """Run a short command of the engine; gives its stdout. ``allow``: words of an error that is none."""
        ran = subprocess.run(
            [self.program, *words, "--non-interactive"],
            cwd=self.project,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
        )
        if ran.returncode and not (allow and allow in ran.stderr):
            raise explained(ran.stderr, self.stack)
        return ran.stdout

    @cached_property
    def environment(self) -> dict[str, str]:
        """The engine's environment: the local backend and passphrase unless the user has others."""
        from toolchain.engine import engine_environment

        # Only with its debug commands does the engine know --event-log.
        found = {**os.environ, **engine_environment(self._engine), "PULUMI_DEBUG_COMMANDS": "true"}
        if "PULUMI_BACKEND_URL" not in found and not (_names_backend(self.project) or _logged_in()):
            backend = self.folder / "state"
            backend.mkdir(exist_ok=True)
            found["PULUMI_BACKEND_URL"] = backend.as_uri()
        if not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & found.keys():
            found["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(_passphrase(self.folder / "passphrase"))
        return found

    @cached_property
    def _engine(self) -> Any:
        from toolchain.engine import find_engine

        found = find_engine()
        if found is None:
            raise Problem(
                "engine-missing", "There is no Pulumi engine on this machine.", "Get one: make engine"
            )
        return found

    @property
    def program(self) -> str:
        """Path of the engine's own command."""
        return str(self._engine.path)

    def _follow(
        self,
        words: Sequence[str],
        on_event: OnEvent,
        started: Callable[[int], None] = lambda _pid: None,
        more: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Run the engine and follow its events. It writes to files and so outlives us if we are killed."""
        folder = self._run_folder(words[0])
        events, output = folder / "events.jsonl", folder / "output.txt"
        events.touch()
        command = [self.program, *words, "--stack", self.stack, "--non-interactive", "--color", "never"]
        command += ["--event-log", str(events)]
        with output.open("w") as out:
            process = subprocess.Popen(
                command,
                cwd=self.project,
                env={**self.environment, **self._shared(), **(more or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                # A terminal's Ctrl-C and hang-up are for us: a second one would end the engine at once.
                process_group=0,
            )
        started(process.pid)
        try:
            outcome = follow(events, process, on_event)
        except BaseException:
            _end(process, on_event)
            raise
        finally:
            if (process.returncode or 0) < 0:  # it had no time to remove its lock
                self.unlock()
        outcome.text = output.read_text()
        if process.returncode < 0:
            raise killed(process.returncode)
        if process.returncode:
            raise explained(outcome.text, self.stack, outcome)
        shutil.rmtree(folder)
        return outcome

    def _shared(self) -> dict[str, str]:
        return self._plugins[-1].environment() if self._plugins else {}

    def _run_folder(self, verb: str) -> Path:
        """Kept where the run fails, with the engine's own words in it."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{verb}-{secrets.token_hex(2)}"
        folder = self.folder / "runs" / name
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir()
        return folder


def _end(process: subprocess.Popen[bytes], on_event: OnEvent) -> None:
    """Ask the engine to cancel; it then ends in order, unless it takes too long."""
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(Exception):
        on_event(Event("said", "engine", text="interrupted; it ends what it is at, please wait"))
    deadline = time.monotonic() + ENDING_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            process.wait(1)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            continue
    if process.poll() is None:
        process.kill()
        process.wait()


def _remove_torn(backend: Path) -> None:
    """Remove attributes of state files that were cut short: the engine cannot load a state that has them.

    It replaces the state itself in one step and writes its attributes, which it can do without, beside it.
    """
    for attributes in backend.glob(".pulumi/**/*.attrs"):
        if not attributes.stat().st_size:
            attributes.unlink()


def _logged_in() -> bool:
    home = Path(os.environ.get("PULUMI_HOME", Path.home() / ".pulumi"))
    try:
        return bool(json.loads((home / "credentials.json").read_text()).get("current"))
    except (OSError, ValueError):
        return False


def _names_backend(project: Path) -> bool:
    """Whether Pulumi.yaml says where the state of this project lies (`backend: {url: ...}`)."""
    import yaml

    try:
        settings = yaml.safe_load((project / "Pulumi.yaml").read_text()) or {}
    except OSError:
        return False
    return bool((settings.get("backend") or {}).get("url"))


def _passphrase(path: Path) -> Path:
    """The passphrase of a local stack's secrets: made once, readable by its owner alone."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
    return path


def environment_lines(environment: dict[str, str]) -> Iterator[str]:
    """``export`` lines that let a bare pulumi work as ours does."""
    import shlex

    for name in _BARE:
        if name in environment:
            yield f"export {name}={shlex.quote(environment[name])}"


_BARE = (
    "PATH",
    "REFORGE_PYTHON",  # the language host's and the plugin's, where the project has no .venv of its own
    "PULUMI_BACKEND_URL",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_SKIP_UPDATE_CHECK",
)
