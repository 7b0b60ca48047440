"""The Cloud SQL Admin API by its discovery document: which method a request means, and whether it may."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "array": list,
}


@dataclass(frozen=True)
class Method:
    """A method as the document describes it, and what the path of a request says."""

    id: str
    """As "sql.instances.clone"."""
    described: dict[str, Any]
    path: dict[str, str]


@cache
def document() -> dict[str, Any]:
    """sqladmin v1 as google-api-python-client brings it."""
    file = files("googleapiclient.discovery_cache.documents") / "sqladmin.v1.json"
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def route(verb: str, path: str) -> Method | None:
    """The method of a request; None where the document has none."""
    for described, pattern in _patterns():
        match = pattern.fullmatch(path.lstrip("/"))
        if match and described["httpMethod"] == verb:
            return Method(described["id"], described, match.groupdict())
    return None


def complaints(method: Method, query: dict[str, str], body: Any) -> list[str]:
    """What of a request the document does not know or allow, in words; none for a right one."""
    known = method.described["parameters"]
    wrong = [f"unknown parameter {name}" for name in query if name not in known and name != "alt"]
    request = method.described.get("request")
    if request is None:
        return wrong + (["has a body"] if body else [])
    return wrong + list(_value(body, request, "body"))


@cache
def _patterns() -> tuple[tuple[dict[str, Any], re.Pattern[str]], ...]:
    return tuple((one, _pattern(one)) for one in _methods(document()))


def _pattern(described: dict[str, Any]) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", described.get("flatPath", described["path"]))
    return re.compile(
        "".join(f"(?P<{part}>[^/:]+)" if n % 2 else re.escape(part) for n, part in enumerate(parts))
    )


def _methods(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from _methods(inner)


def _value(value: Any, schema: dict[str, Any], where: str) -> Iterator[str]:
    if name := schema.get("$ref"):
        schema = document()["schemas"][name]
    if schema.get("format") in ("int64", "uint64") and isinstance(value, int):
        value = str(value)  # Google takes either form
    kind = schema.get("type", "any")
    if kind in _TYPES and (
        not isinstance(value, _TYPES[kind]) or (kind == "integer") & isinstance(value, bool)
    ):
        yield f"{where}: {value!r} is no {kind}"
    elif kind == "object":
        yield from _members(value, schema, where)
    elif kind == "array":
        for number, one in enumerate(value):
            yield from _value(one, schema["items"], f"{where}[{number}]")
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of its values"


def _members(value: dict[str, Any], schema: dict[str, Any], where: str) -> Iterator[str]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    for name, one in value.items():
        if name in properties:
            yield from _value(one, properties[name], f"{where}.{name}")
        elif others:
            yield from _value(one, others, f"{where}.{name}")
        else:
            yield f"{where}: unknown field {name}"
