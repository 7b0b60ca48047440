"""The YAML suite: a name and a list of checks.

Every wrong value is reported at once, in one Misuse("suite-wrong") with a line for each.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from problem import Misuse
from validation.check import Check
from validation.checks import kinds
from validation.complaints import lines, nearest
from validation.connections import STATEMENT_TIMEOUT
from validation.values import Duration, Part

_STANDARD = "name: standard\nchecks:\n- connectivity\n- schema\n- references\n- unique\n"


class Header(Part):
    """The suite's own keys; its checks are read one by one, each by the model of its kind."""

    name: str = Field(min_length=1)
    statement_timeout: Duration = STATEMENT_TIMEOUT
    checks: list[Any] = Field(min_length=1)


@dataclass(frozen=True)
class Suite:
    """A suite that was read: ``digest`` is the sha256 of its text."""

    name: str
    statement_timeout: timedelta
    checks: tuple[Check, ...]
    digest: str
    text: str = ""
    """As it was written."""


def load(path: Path) -> Suite:
    """The suite in a file; raises Misuse for everything that is wrong with it."""
    try:
        return parse(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Misuse(
            "suite-unreadable", f"the suite {path} cannot be read: {reason}", "Give its path with --suite."
        ) from error


def standard() -> Suite:
    """What holds in every database: it answers, it has tables, and its keys hold in its rows."""
    return parse(_STANDARD, "the standard suite")


def parse(text: str, origin: str = "the suite") -> Suite:
    """The suite in ``text``; ``origin`` names it in messages."""
    header, complaints = _header(_document(text, origin))
    checks = []
    for number, item in enumerate(header.checks if header else []):
        check, wrong = _check(item, f"checks[{number}]")
        complaints += wrong
        checks += [check] if check else []
    if complaints or header is None:
        raise Misuse(
            "suite-wrong", "\n".join([f"{origin} is wrong:", *complaints]), f"Correct {origin} and run again."
        )
    digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    return Suite(header.name, header.statement_timeout, tuple(checks), digest, text)


def _header(document: Any) -> tuple[Header | None, list[str]]:
    if not isinstance(document, dict):
        return None, ["it must be a mapping with name and checks"]
    try:
        return Header.model_validate(document), []
    except ValidationError as error:
        wrong = lines(error, Header, "")
        checks = document.get("checks")  # the checks are looked at all the same
        kept = {"name": "?", "checks": checks} if isinstance(checks, list) and checks else None
        return Header.model_validate(kept) if kept else None, wrong


def _check(item: Any, path: str) -> tuple[Check | None, list[str]]:
    if isinstance(item, str):
        item = {item: {}}
    if not (isinstance(item, dict) and len(item) == 1 and isinstance(next(iter(item)), str)):
        return None, [f"{path}: must be `KIND` or `KIND: {{...}}`; kinds: {', '.join(kinds())}"]
    kind, options = next(iter(item.items()))
    if kind not in kinds():
        known = kinds()
        return None, [f"{path}: unknown kind {kind}; allowed: {', '.join(known)}{nearest(kind, known)}"]
    try:
        return kinds()[kind].model_validate({} if options is None else options), []
    except ValidationError as error:
        return None, lines(error, kinds()[kind], f"{path}.{kind}")


class _Loader(yaml.SafeLoader):
    """YAML in which a key that is there twice is an error: the first one would silently not count."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value} is there twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _document(text: str, origin: str) -> Any:
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else "somewhere"
        raise Misuse("suite-wrong", f"{origin} is no YAML: {line}: {error.problem}", "") from error
