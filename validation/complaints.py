"""What pydantic found wrong, as lines to act on: path in the YAML, what is allowed, nearest spelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

_WORDS = {  # by the first part of pydantic's error type: int_type, int_parsing, ...
    "model": "must be a mapping",
    "dict": "must be a mapping",
    "list": "must be a list",
    "string": "must be text",
    "int": "must be a whole number",
    "bool": "must be true or false",
}


def lines(error: ValidationError, model: type[BaseModel], path: str) -> list[str]:
    """One line for each wrong value of ``model``, which lies at ``path`` in the file."""
    return [_line(dict(item), model, path) for item in error.errors(include_url=False)]


def nearest(word: object, allowed: Iterable[str]) -> str:
    """``did you mean at-least?``, or nothing when no allowed word is near."""
    found = get_close_matches(str(word), list(allowed), n=1)
    return f"; did you mean {found[0]}?" if found else ""


def joined(path: str, location: Iterable[str | int]) -> str:
    """``checks[3].row-counts`` and ``("tables", "users")`` as one path."""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def _line(item: Mapping[str, Any], model: type[BaseModel], path: str) -> str:
    location = [step for step in item["loc"] if step != "[key]"]
    where = joined(path, location)
    match item["type"]:
        case "extra_forbidden":
            allowed = _keys(model, location[:-1])
            return f"{where}: unknown key; allowed: {', '.join(allowed)}{nearest(location[-1], allowed)}"
        case "missing" if location[-1] == "write":
            return (
                f"{where}: missing; this check writes to the database, and the suite must say `write: true`"
            )
        case "missing":
            return f"{where}: missing"
        case "value_error":
            said = str(item["ctx"]["error"])
            return f"{where}: {said}{_got(item['input'])}" if said.startswith("must") else f"{where}: {said}"
    return f"{where}: {_wanted(item)}{_got(item['input'])}"


def _wanted(item: Mapping[str, Any]) -> str:
    kind, context = str(item["type"]), item.get("ctx", {})
    if kind == "string_pattern_mismatch":
        return f"must match {context['pattern']}"
    if kind == "literal_error":
        return f"must be {str(context['expected']).lower()}"
    return _WORDS.get(kind.partition("_")[0], str(item["msg"]))


def _got(value: Any) -> str:
    return "" if isinstance(value, (dict, list)) else f", not {value!r}"


def _keys(model: Any, location: list[str | int]) -> list[str]:
    """The keys of the model that lies at ``location`` inside ``model``."""
    for step in location:
        model = _step(model, step)
    return sorted(field.alias or name for name, field in _model(model).model_fields.items())


def _step(annotation: Any, step: str | int) -> Any:
    """The annotation of what lies one step inside a value of ``annotation``."""
    if get_origin(annotation) in (dict, list):
        return get_args(annotation)[-1]
    fields = _model(annotation).model_fields.values()
    return next(_inside(field.annotation) for field in fields if field.alias == step)


def _inside(annotation: Any) -> Any:
    """``X | None`` as X."""
    chosen = [arg for arg in get_args(annotation) if arg is not type(None)]
    return chosen[0] if type(None) in get_args(annotation) and len(chosen) == 1 else annotation


def _model(annotation: Any) -> type[BaseModel]:
    annotation = _inside(annotation)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else BaseModel
