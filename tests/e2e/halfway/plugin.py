"""A resource that is a folder, and that does as the files in it say: refuse, stop half way, or wait."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from dbrestore import server
from dbrestore.handler import Context, Handler, Inputs, PartlyMade, State
from problem import Problem

TOKEN = "dbrestore:halfway:Folder"


class FolderInputs(Inputs):
    """``word`` is what is to be written into ``folder``/made."""

    folder: Path
    word: str


class Folder(Handler):
    """Writes down in ``folder``/calls which of its verbs were called."""

    token = TOKEN
    inputs = FolderInputs
    examined = "folder"

    def examine(self, context: Context, inputs: FolderInputs) -> None:
        if (inputs.folder / "refuse").exists():
            raise Problem("refused", f"{inputs.folder} says no.", "Remove the file refuse.")

    def create(self, context: Context, inputs: FolderInputs) -> tuple[str, State]:
        return str(inputs.folder), self._write("create", context, inputs)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        return state if (Path(identity) / "made").exists() else None

    def update(self, context: Context, identity: str, state: State, inputs: FolderInputs) -> State:
        return self._write("update", context, inputs)

    def delete(self, context: Context, identity: str, state: State) -> None:
        (Path(identity) / "made").unlink(missing_ok=True)

    def drift(self, state: State, inputs: Any) -> frozenset[str]:
        return frozenset() if state["whole"] else frozenset({"whole"})

    def _write(self, verb: str, context: Context, inputs: FolderInputs) -> State:
        with (inputs.folder / "calls").open("a") as calls:
            calls.write(f"{verb}\n")
        context.progress("writing the word")
        (inputs.folder / "made").write_text(inputs.word)
        if (inputs.folder / "wait").exists():
            (inputs.folder / "waiting.part").write_text(f"{os.getpid()} {os.getppid()}")
            (inputs.folder / "waiting.part").rename(inputs.folder / "waiting")
            context.cancelled.wait(60)
        if context.cancelled.is_set() or (inputs.folder / "stop").exists():
            problem = Problem("interrupted", "Stopped half way.", "Run the same command again.")
            raise PartlyMade(problem, str(inputs.folder), inputs.wire() | {"whole": False})
        return inputs.wire() | {"whole": True}


if __name__ == "__main__":
    server.Handlers = lambda: {TOKEN: Folder()}  # type: ignore[assignment,misc]
    server.main()
