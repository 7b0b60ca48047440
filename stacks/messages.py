"""Wrong values in words: the path in the YAML, what is wrong with it, what is allowed and what is nearest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, get_args, get_origin

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
        elif part != _KEY:
            name = part if part.isprintable() else repr(part)  # a message stays in its line
            text += f".{name}" if text else f"{PREFIX}{name}"
    return text or PREFIX


_KEY = "[key]"
"""pydantic's own step to a mapping's key; it is in no YAML."""


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
        case "model_type" | "dict_type":
            return f"is not a mapping of names to values (found {_shown(detail['input'])})"
        case _:
            return f"{detail['msg'][0].lower()}{detail['msg'][1:]} (found {_shown(detail['input'])})"


_SHAPES: dict[type, str] = {str: "text", list: "a list", dict: "a mapping"}


def _shown(value: Any) -> str:
    """A wrong value, unless it may hold a secret."""
    if isinstance(value, int | float | bool | None):
        return repr(value)
    return _SHAPES.get(type(value), f"a {type(value).__name__}")


def _fields(model: type[BaseModel], location: Sequence[str | int]) -> set[str]:
    """The names allowed at a place of the config."""
    found: list[Any] = [model]
    for part in location:
        found = [inner for one in found for inner in _step(one, part)]
    models = [one for kind in found for one in _models(kind)]
    return {field.alias or name for one in models for name, field in one.model_fields.items()}


def _step(annotation: Any, part: str | int) -> list[Any]:
    """The types that a value under ``part`` may have."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        return [field.annotation for name, field in fields if part in (field.alias, name)]
    inner = get_args(annotation)
    if get_origin(annotation) in (list, dict):
        return [inner[-1]]
    return [found for one in inner for found in _step(one, part)]


def _models(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [one for inner in get_args(annotation) for one in _models(inner)]
