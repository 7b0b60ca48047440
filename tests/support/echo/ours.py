"""Our own plugin with nothing behind it: its real checks and diffs, and handlers that keep inputs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from dbrestore import server
from dbrestore.handler import Context, Handler, State
from dbrestore.registry import Handlers
from tests.support.echo import answers
from tests.support.echo.calls import keep, name_of


class Kept(Handler):
    """A kind of resource with the real one's inputs, secrets and fixed values, and no place in the world."""

    def __init__(self, real: Handler) -> None:
        self.resource_type, self.inputs = real.resource_type, real.inputs  # type: ignore[misc]  # another's, each instance its own
        self.secrets, self.fixed = real.secrets, real.fixed  # type: ignore[misc]  # the same

    def create(self, context: Context, inputs: Any) -> tuple[str, State]:
        name = name_of(context.urn)
        keep("create", context.urn, inputs.wire())
        return name, answers.learnt(self.resource_type, name, {}) | inputs.wire()

    def read(self, context: Context, identity: str, state: State) -> State | None:
        return state

    def update(self, context: Context, identity: str, state: State, inputs: Any) -> State:
        keep("update", context.urn, inputs.wire())
        known = {field.alias or name for name, field in self.inputs.model_fields.items()}
        return {name: value for name, value in state.items() if name not in known} | dict(inputs.wire())

    def delete(self, context: Context, identity: str, state: State) -> None:
        keep("delete", context.urn, state)


class Echoed(Mapping[str, Handler]):
    """The real handlers by token, each behind a ``Kept``."""

    def __init__(self) -> None:
        self._real = Handlers()

    def __getitem__(self, token: str) -> Handler:
        return Kept(self._real[token])

    def __iter__(self) -> Iterator[str]:
        return iter(self._real)

    def __len__(self) -> int:
        return len(self._real)


if __name__ == "__main__":
    vars(server)["Handlers"] = Echoed  # the one door through which the plugin finds them
    server.main()
