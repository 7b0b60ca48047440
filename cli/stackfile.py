"""Pulumi.<stack>.yaml: read, and edited so that comments, order and everything else stay as they are."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import stat
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.masking import masked
from problem import Misuse

if TYPE_CHECKING:
    from stacks.model import Config

PREFIX = "reforge:"


class Draft:
    """A stack file while a stage edits it: comments and order stay. Paths begin below ``reforge:``."""

    def __init__(self, text: str) -> None:
        from ruamel.yaml import YAML
        from ruamel.yaml.util import load_yaml_guess_indent

        # ruamel.yaml writes all lists in one style: the one that the file has already.
        try:
            _, indent, offset = load_yaml_guess_indent(text)
        except ValueError as error:  # of a plain `._`, which YAML 1.2 has for the beginning of a number
            what = f"A value in the stack's file looks like a number and is none: {error}"
            raise Misuse("config-not-yaml", what, "Put it in quotes.") from error
        self._yaml = YAML()
        self._yaml.preserve_quotes = True
        self._yaml.width = 4096
        self._yaml.indent(mapping=2, sequence=indent or 4, offset=2 if offset is None else offset)
        self._tree = self._yaml.load(text) or {}

    def set(self, *path: str, to: Any) -> None:
        """Put a value at a path."""
        from cli.comments import attach, commented, detach

        *parents, last = _full(path)
        place, below = self._tree, ""
        for name in parents:
            if not place.get(name):
                # A new mapping: one that was written as {} would take its entries in one line.
                below = self._empty(place, name)
            place = place[name]
        if place:
            below = detach(place, last if last in place else next(reversed(place)))
        place[last] = commented(to)
        attach(place, last, below)

    def remove(self, *path: str) -> None:
        """Take away what stands at a path; nothing there is no error."""
        from cli.comments import above, attach, attach_above, detach

        *parents, last = _full(path)
        outer, place = None, self._tree
        for name in parents:
            outer, place = place, place.get(name) or {}
        if last not in place:
            return
        names, below = list(place), above(place, last) + detach(place, last)
        del place[last]
        if not place and outer is not None:
            attach(outer, parents[-1], below + self._empty(outer, parents[-1]))
        elif last == names[0]:
            attach_above(place, below)
        else:
            attach(place, names[names.index(last) - 1], below)

    @staticmethod
    def _empty(place: Any, name: str) -> str:
        """A mapping without entries; gives the comment lines that stood below it, for who comes last now."""
        from cli.comments import commented, detach

        below = detach(place, name) if name in place else ""
        place.ca.items.pop(name, None)
        place[name] = commented({})
        return below

    @property
    def text(self) -> str:
        """The file as it would be written."""
        written = io.StringIO()
        self._yaml.dump(self._tree, written)
        return written.getvalue()


Edit = Callable[[Draft], None]


class StackFile:
    """The config file of one stack."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def text(self) -> str:
        """The file as it stands."""
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise Misuse("no-stack", f"{self.path} does not exist.", "Make it: reforge init") from None
        except UnicodeDecodeError as error:
            raise Misuse("config-not-yaml", f"{self.path.name} is not UTF-8 text: {error}") from None

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

    def edited(self, edit: Edit) -> str:
        """The file's text after ``edit``; nothing is written. ``Misuse`` where the file is no YAML."""
        from ruamel.yaml.error import YAMLError

        raw_values(self.text, self.path)
        try:
            draft = Draft(self.text)
        except YAMLError as error:
            raise _not_yaml(self.path, error) from None
        edit(draft)
        return draft.text

    def diff(self, text: str) -> str:
        """The unified diff from the file to ``text``, passwords masked; empty where nothing changes."""
        import difflib

        name = self.path.name
        lines = difflib.unified_diff(
            self.text.splitlines(), text.splitlines(), f"a/{name}", f"b/{name}", "", "", 2, ""
        )
        return masked("\n".join(lines))

    def write(self, text: str) -> None:
        """Replace the file at once and wholly; who may read it stays as it was."""
        path = self.path.resolve()
        fresh = path.with_suffix(".yaml.new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            _take_after(file.fileno(), path)
            os.fsync(file.fileno())
        os.replace(fresh, path)
        for name in ("text", "raw"):
            self.__dict__.pop(name, None)


def digest(text: str) -> str:
    """SHA-256 of a config text."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def raw_values(text: str, path: Path) -> dict[str, Any]:
    """The ``reforge:`` values of a stack file's text; ``Misuse`` where it is not YAML of the right form."""
    import yaml

    try:
        tree = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
        raise _not_yaml(path, error) from None
    values = (tree.get("config") or {}) if isinstance(tree, dict) else tree or {}
    if not isinstance(values, dict):
        what = f"{path.name} has no mapping of names to values under `config:`."
        raise Misuse("config-not-yaml", what, "Mend it there, or make another stack: reforge init")
    return {
        str(name).removeprefix(PREFIX): value
        for name, value in values.items()
        if str(name).startswith(PREFIX)
    }


def _not_yaml(path: Path, error: Exception) -> Misuse:
    return Misuse("config-not-yaml", f"{path.name} is not YAML: {error}", "Mend it there.")


def _full(path: tuple[str, ...]) -> tuple[str, ...]:
    return ("config", PREFIX + path[0], *path[1:])


def _take_after(descriptor: int, old: Path) -> None:
    """Give a new file the mode and, as far as we may, the owner of the one it replaces."""
    with contextlib.suppress(FileNotFoundError):
        was = old.stat()
        os.fchmod(descriptor, stat.S_IMODE(was.st_mode))
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, was.st_uid, was.st_gid)
