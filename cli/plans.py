"""The plan that a stage saved for ``reforge apply``, bound to all that it was made from.

The engine refuses a plan where program or inputs violate it, and finds that out while it executes. It
does not look at the state the plan was made from. So what a person has approved is known by the hashes
of plan, config, program and exported state.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from problem import Refusal

if TYPE_CHECKING:
    from cli.session import Session

_PROGRAM = ("stacks", "dbrestore", "archive")
"""The packages that decide what a plan does: what is declared, the plugin, and what that stands on."""


@dataclass(frozen=True)
class Saved:
    """What stands beside a plan."""

    stage: str
    subject: str
    removes: tuple[str, ...]
    bound: dict[str, str]
    """SHA-256 by name: of the plan, the config, the program and the state."""


class Plans:
    """The place of one stack's plan; it holds secrets encrypted only, and is for its owner alone."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.path = session.folder / "plans" / f"{session.stack}.json"
        self._beside = self.path.with_suffix(".meta.json")

    @contextlib.contextmanager
    def drafts(self, text: str) -> Iterator[tuple[Path, Path]]:
        """Files for a config text that is proposed and for its plan; neither stays."""
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        config = self._session.folder / f"proposal.{self._session.stack}.yaml"
        plan = self.path.with_suffix(".fresh.json")
        try:
            _private(config)
            config.write_text(text)
            _private(plan)
            yield config, plan
        finally:
            for left in (config, plan):
                left.unlink(missing_ok=True)

    def keep(self, plan: Path) -> None:
        """Take a drafted plan in the place of the one before."""
        self._beside.unlink(missing_ok=True)
        os.replace(plan, self.path)

    def bind(self, stage: str, subject: str, removes: Collection[str]) -> None:
        """Let ``reforge apply`` have the plan, as long as nothing it was made from changes."""
        saved = Saved(stage, subject, tuple(sorted(removes)), self._bound())
        _private(self._beside)
        self._beside.write_text(json.dumps(asdict(saved)))

    def saved(self) -> Saved:
        """What stands beside the plan; Refusal ``no-plan`` where none is saved."""
        with contextlib.suppress(FileNotFoundError, ValueError, TypeError):
            found = Saved(**json.loads(self._beside.read_text()))
            if self.path.exists():
                return found
        cure = "Make one: " + self._session.command("preview")
        raise Refusal("no-plan", "There is no plan to apply.", cure)

    def hold(self, saved: Saved) -> None:
        """Refusal ``plan-outdated`` that names what has changed since the plan was made."""
        now = self._bound()
        changed = [name for name in now if saved.bound.get(name) != now[name]]
        if changed:
            what = f"Changed since the plan was made: the {', the '.join(changed)}."
            raise Refusal(
                "plan-outdated", what, "See what it would do now: " + self._session.command("status")
            )

    def drop(self) -> None:
        """A plan that was begun fits no more."""
        for path in (self._beside, self.path):
            path.unlink(missing_ok=True)

    def _bound(self) -> dict[str, str]:
        state = json.dumps(self._session.engine.state(), sort_keys=True)
        return {
            "plan": _hash(self.path.read_bytes()),
            "config": self._session.file.digest.removeprefix("sha256:"),
            "program": _program(self._session.project),
            "state": _hash(state.encode()),
        }


def _program(project: Path) -> str:
    """Every source file that has a part in what a plan does, and where the engine is told to look for it."""
    import stacks

    home = Path(stacks.__file__).resolve().parents[1]
    files = [project / "Pulumi.yaml", project / "__main__.py", home / "problem.py"]
    files += [file for package in _PROGRAM for file in sorted((home / package).rglob("*.py"))]
    return _hash(b"".join(_hash(file.read_bytes()).encode() for file in files if file.exists()))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _private(path: Path) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
