"""Pulumi.<stack>.yaml: read, and edited so that comments, order and everything else stay as they are."""

from __future__ import annotations

import difflib
import hashlib
import io
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from problem import Misuse

if TYPE_CHECKING:
    from stacks.model import Config

PREFIX = "reforge:"


class StackFile:
    """The config file of one stack."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def text(self) -> str:
        """The file as it stands."""
        try:
            return self.path.read_text()
        except FileNotFoundError:
            raise Misuse("no-stack", f"{self.path} does not exist.", "Make it: reforge init") from None

    @property
    def digest(self) -> str:
        """What the file's text is known by in plans and in the journal."""
        return digest(self.text)

    @cached_property
    def raw(self) -> dict[str, Any]:
        """The values under ``reforge:`` without the prefix, quickly read and not checked."""
        return raw_values(self.text, self.path)

    def config(self, text: str | None = None) -> Config[Any, Any]:
        """The checked config, of the file or of an edited text; ``Misuse`` for every wrong value at once."""
        from stacks.model import parse

        return parse(self.raw if text is None else raw_values(text, self.path))

    def edited(self, edit: Callable[[Any], None]) -> str:
        """The file's text after ``edit`` has changed the mapping under ``config:``; nothing is written."""
        from ruamel.yaml import YAML

        yaml = YAML()
        yaml.preserve_quotes = True
        yaml.width = 4096
        yaml.indent(mapping=2, sequence=4, offset=2)
        tree = yaml.load(self.text) or {}
        edit(tree.setdefault("config", {}))
        written = io.StringIO()
        yaml.dump(tree, written)
        return written.getvalue()

    def diff(self, text: str) -> str:
        """The unified diff from the file to ``text``; empty where nothing changes."""
        name = self.path.name
        lines = difflib.unified_diff(
            self.text.splitlines(), text.splitlines(), f"a/{name}", f"b/{name}", "", "", 2, ""
        )
        return "\n".join(lines)

    def write(self, text: str) -> None:
        """Replace the file at once and wholly."""
        fresh = self.path.with_suffix(".yaml.new")
        with fresh.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.path)
        for name in ("text", "raw"):
            self.__dict__.pop(name, None)


def digest(text: str) -> str:
    """SHA-256 of a config text."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def raw_values(text: str, path: Path) -> dict[str, Any]:
    """The ``reforge:`` values of a stack file's text; ``Misuse`` where it is not YAML."""
    import yaml

    try:
        tree = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise Misuse("config-not-yaml", f"{path.name} is not YAML: {error}") from None
    values = (tree or {}).get("config") or {}
    return {name.removeprefix(PREFIX): value for name, value in values.items() if name.startswith(PREFIX)}
