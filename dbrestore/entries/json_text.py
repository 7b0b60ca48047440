"""One top-level value of a JSON object's text: found, and replaced with every other byte left as it is."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from problem import Problem

_GAP = re.compile(r"[ \t\r\n]*")
_SCANNER = json.JSONDecoder()


@dataclass(frozen=True)
class _Found:
    value: object
    start: int
    end: int


def value_in(text: str, key: str) -> str | None:
    """The value of ``key`` as text (a number as its digits); None where the object has no such key.

    Problem "json-unreadable" where ``text`` is no JSON object, or the value is neither text nor a number.
    """
    found = _found(text, key)
    if found is None:
        return None
    if isinstance(found.value, str):
        return found.value
    if isinstance(found.value, int | float) and not isinstance(found.value, bool):
        return text[found.start : found.end]
    raise _unreadable(f"its key {key} holds neither text nor a number")


def with_value(text: str, key: str, value: str) -> str:
    """``text`` with another value at ``key``, which must be there; a number stays one where it can."""
    found = _found(text, key)
    if found is None:
        raise _unreadable(f"it has no key {key}")
    number = not isinstance(found.value, str) and value.isdigit()
    written = value if number else json.dumps(value, ensure_ascii=text.isascii())
    return text[: found.start] + written + text[found.end :]


def _found(text: str, key: str) -> _Found | None:
    """The last of several members of that name, as parsers read them."""
    try:
        if not isinstance(json.loads(text), dict):
            raise _unreadable("it is no object")
    except ValueError:
        raise _unreadable("it is no JSON") from None  # the parser's own words would quote it
    found, at = None, _after_gap(text, text.index("{") + 1)
    while text[at] != "}":
        name, at = _SCANNER.raw_decode(text, at)
        start = _after_gap(text, _after_gap(text, at) + 1)
        value, at = _SCANNER.raw_decode(text, start)
        if name == key:
            found = _Found(value, start, at)
        at = _after_gap(text, at)
        if text[at] == ",":
            at = _after_gap(text, at + 1)
    return found


def _after_gap(text: str, at: int) -> int:
    gap = _GAP.match(text, at)
    return gap.end() if gap else at


def _unreadable(why: str) -> Problem:
    what = f"The secret's text was to be read as a JSON object, but {why}."
    return Problem(
        "json-unreadable", what, "Correct `key` in the endpoint, or leave it out for the whole text."
    )
