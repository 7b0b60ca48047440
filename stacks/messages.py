"""Wrong values in words: the path in the YAML, what is wrong with it, what is allowed and what is nearest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

PREFIX = "reforge:"


def nearest(word: str, allowed: Iterable[str]) -> str:
    """ "did you mean ...?" where something allowed looks like it; else nothing."""
    found = get_close_matches(word, list(allowed), n=1, cutoff=0.5)
    return f"; did you mean {found[0]}?" if found else ""


def messages(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One line for each wrong value."""
    return [f"{path(detail['loc'])}: {_words(detail, model)}" for detail in error.errors()]


def path(location: Sequence[str | int]) -> str:
    """A place as the YAML spells it: "reforge:restores.before-accident.from.time"."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part not in _INTERNAL and not part.startswith("function-"):
            text += f".{part}" if text else f"{PREFIX}{part}"
    return text or PREFIX


_INTERNAL = {"str", "Secure", "[key]"}
"""Steps of pydantic's own that are in no YAML."""


def _words(detail: ErrorDetails, model: type[BaseModel]) -> str:
    match detail["type"]:
        case "extra_forbidden":
            allowed = sorted(_fields(model, detail["loc"][:-1]))
            word = str(detail["loc"][-1])
            return f"is not known here{nearest(word, allowed)} (allowed: {', '.join(allowed)})"
        case "missing":
            return "is missing"
        case "literal_error":
            expected, found = detail["ctx"]["expected"], detail["input"]
            allowed = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
            return f"{found!r} is not one of {', '.join(allowed)}{nearest(str(found), allowed)}"
        case "value_error":
            return str(detail["ctx"]["error"])
        case _:
            return f"{detail['msg'][0].lower()}{detail['msg'][1:]} (found {_shown(detail['input'])})"


def _shown(value: Any) -> str:
    """A wrong value, unless it may hold a secret."""
    return repr(value) if isinstance(value, int | float | bool | None) else f"a {type(value).__name__}"


def _fields(model: type[BaseModel], location: Sequence[str | int]) -> set[str]:
    """The names allowed at a place of the config."""
    found: list[Any] = [model]
    for part in location:
        if part in _INTERNAL:
            continue
        found = [inner for one in found for inner in _inside(one, part)]
    return {field.alias or name for one in found for name, field in one.model_fields.items()}


def _inside(model: type[BaseModel], part: str | int) -> list[type[BaseModel]]:
    for name, field in model.model_fields.items():
        if part in (field.alias, name):
            return list(_models(field.annotation))
    return [model]  # a list's index or a mapping's key: the field's own models stand for its items


def _models(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType, list, dict) or get_args(annotation):
        for inner in get_args(annotation):
            yield from _models(inner)
