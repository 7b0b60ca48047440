"""The command line on a made-up engine: our door to Pulumi, played; config, journal and plans are real."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.events import Event, Outcome
from problem import Problem

INSTANCE = "dbrestore:postgres:Instance"
URL = "postgresql://app:hunter2@127.0.0.1:5432/starforge"


def urn(name: str, kind: str = INSTANCE) -> str:
    return f"urn:pulumi:local::reforge::{kind}::{name}"


@dataclass
class PlayedEngine:
    """Does what a test says: ``steps`` is what a run would change, ``fails`` what it says instead."""

    project: Path = Path()
    stack: str = ""
    folder: Path = Path()
    steps: list[Event] = field(default_factory=list)
    fails: dict[str, Problem | BaseException] = field(default_factory=dict)
    """By verb."""
    calls: list[str] = field(default_factory=list)
    restores: dict[str, Any] = field(default_factory=dict)
    source_url: str = URL
    serving: str = "source"
    resources: list[dict[str, Any]] = field(default_factory=list)
    checked: list[bool] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What resources say once they are applied."""

    @contextmanager
    def plugins(self) -> Iterator[None]:
        yield

    def preview(self, config: Path | None, plan: Path | None, on_event: Callable[[Event], None]) -> Outcome:
        self._do("preview")
        if plan:
            plan.write_text(json.dumps({"steps": [step.name for step in self.steps]}))
        return Outcome(list(self.steps), {"create": len(self.steps)}, text="Resources:\n    + made up")

    def up(
        self,
        plan: Path | None,
        on_event: Callable[[Event], None],
        started: Callable[[int], None],
        *,
        checked: bool,
    ) -> Outcome:
        started(os.getpid())
        self.checked.append(checked)
        self._do("up")
        for step in self.steps:
            on_event(Event("began", step.urn, step.operation))
            on_event(Event("said", step.urn, text="copying 10 %"))
            on_event(Event("ended", step.urn, step.operation))
        return Outcome(list(self.steps), {"create": len(self.steps)}, seconds=0.1, notes=list(self.notes))

    halted: bool = False

    def take_stock(self, on_event: Callable[[Event], None]) -> None:
        self._do("take stock")

    def outputs(self) -> dict[str, Any]:
        self._do("outputs")
        return {"restores": self.restores, "url": self.source_url, "serving": self.serving}

    def secret(self, key: str, *, path: bool = False) -> str:
        self._do(f"secret {key}")
        return self.source_url

    def keep_secret(self, key: str, value: str, *, path: bool = False) -> None:
        self._do(f"keep {key}")
        file = self.project / f"Pulumi.{self.stack}.yaml"
        empty = "secure: ''" if key == "source-url" else "admin: ''"
        sealed = f"secure: v1:{len(value)}" if key == "source-url" else f"admin: {{secure: v1:{len(value)}}}"
        file.write_text(file.read_text().replace(empty, sealed, 1))

    def make_stack(self, secrets_provider: str | None = None) -> None:
        self._do(f"make_stack {secrets_provider}" if secrets_provider else "make_stack")
        file = self.project / f"Pulumi.{self.stack}.yaml"
        if not file.exists():
            file.write_text("encryptionsalt: v1:abc=\n")

    def state(self) -> dict[str, Any]:
        self._do("state")
        return {"resources": self.resources}

    def adopt(self, token: str, name: str, identity: str) -> bool:
        self._do(f"adopt {token} {name} {identity}")
        return True

    def unlock(self) -> None:
        self._do("unlock")

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": "/bin", "PULUMI_BACKEND_URL": "file:///a b", "SECRET": "hunter2"}

    def _do(self, call: str) -> None:
        self.calls.append(call)
        if call in self.fails:
            raise self.fails[call]


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found
