"""The text of a dotenv file: finds the binding of a key and gives the text with another value.

python-dotenv's parser decides what is a binding; the last of several is the one that counts. Comments,
order, ``export``, spacing, line ends and, where the value allows it, the quoting stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

from dotenv.parser import Binding, parse_stream

from problem import Misuse

_HEAD = re.compile(r"\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=\#\s]+)[^\S\r\n]*")
_VALUE = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|""", re.DOTALL)
_BARE = re.compile(r"(?:(?!\s+#)[^\r\n])*")
_ENDING = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Found:
    """The binding that counts: its value ("" where the line has none) and where its statement lies."""

    value: str
    start: int
    statement: str


def find(text: str, key: str) -> Found | None:
    """The last binding of ``key``, as the application would read it; None where there is none."""
    found = None
    for start, binding in _bindings(text):
        if binding.key == key:
            found = Found(binding.value or "", start, binding.original.string)
    return found


def with_value(text: str, key: str, value: str) -> str:
    """``text`` with the last binding of ``key`` changed to ``value``, or a line added at its end.

    Misuse "value-unwritable" when no way of quoting makes the parser give ``value`` back.
    """
    found = find(text, key)
    if found is None:
        return _added(text, key, value)
    head, old, tail = _parts(found.statement)
    before, after = text[: found.start], text[found.start + len(found.statement) :]
    for written in _spellings(value, old):
        gap = " " if written and tail.startswith("#") else ""
        changed = before + head + written + gap + tail + after
        if _reads(changed, key, value) and _others(changed, key) == _others(text, key):
            return changed
    raise _unwritable(key)


def _added(text: str, key: str, value: str) -> str:
    ending = match[0] if (match := _ENDING.search(text)) else "\n"
    start = text if not text or text.endswith(("\n", "\r")) else text + ending
    for written in _spellings(value, ""):
        changed = f"{start}{key}={written}{ending}"
        if _reads(changed, key, value):
            return changed
    raise _unwritable(key)


def _parts(statement: str) -> tuple[str, str, str]:
    """A statement as what stands before the value, the value as written, and what stands behind it."""
    match = _HEAD.match(statement)
    position = match.end() if match else len(statement)
    if statement[position : position + 1] != "=":
        return statement[:position] + "=", "", statement[position:]
    position += 1
    while statement[position : position + 1] in (" ", "\t"):
        position += 1
    value = _VALUE.match(statement, position)
    end = value.end() if value and value[0] else _bare_end(statement, position)
    return statement[:position], statement[position:end], statement[end:]


def _bare_end(statement: str, position: int) -> int:
    spaced = statement[position - 1 : position] in (" ", "\t")
    if spaced and statement[position : position + 1] == "#":
        return position
    bare = _BARE.match(statement, position)
    return position + len(bare[0].rstrip()) if bare else position


def _spellings(value: str, old: str) -> Iterator[str]:
    """Ways to write ``value``, the present style first, those that a shell reads alike before others."""
    single = "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    double = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    bare = value if not re.search(r"[\s'\"\\]", value) else ""
    if old.startswith('"'):
        yield from (double, single)
    elif old.startswith("'"):
        yield from (single, double)
    else:
        plain = bare or not value
        yield from (bare, single, double) if plain else (single, double)


def _reads(text: str, key: str, value: str) -> bool:
    """Whether an application that opens the file as text, line ends translated, finds ``value``."""
    found = find(text.replace("\r\n", "\n").replace("\r", "\n"), key)
    return found is not None and found.value == value


def _others(text: str, key: str) -> list[tuple[str | None, str | None, bool]]:
    return [(one.key, one.value, one.error) for _, one in _bindings(text) if one.key != key]


def _bindings(text: str) -> Iterator[tuple[int, Binding]]:
    position = len(text) - len(text.removeprefix("\ufeff"))
    for binding in parse_stream(StringIO(text, newline="")):
        yield position, binding
        position += len(binding.original.string)


def _unwritable(key: str) -> Misuse:
    what = f"The value for {key} cannot be written to a dotenv file so that it reads back the same."
    return Misuse("value-unwritable", what, "Use a value without carriage returns.")
