"""As much of JSON Schema (draft 2020-12, validation and applicator vocabularies) as our schema uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

TELLING = {"$schema", "$defs", "title", "description", "default", "examples", "format"}
"""Keywords that say something to people or editors and refuse nothing."""
TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
CHECKS: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda kind, value: TYPES[kind](value),
    "const": lambda wanted, value: value == wanted,
    "enum": lambda wanted, value: value in wanted,
    "pattern": lambda text, value: not isinstance(value, str) or re.search(text, value) is not None,
    "minLength": lambda count, value: not isinstance(value, str) or len(value) >= count,
    "maxLength": lambda count, value: not isinstance(value, str) or len(value) <= count,
    "minimum": lambda least, value: not TYPES["number"](value) or value >= least,
    "maximum": lambda most, value: not TYPES["number"](value) or value <= most,
    "exclusiveMinimum": lambda least, value: not TYPES["number"](value) or value > least,
    "minItems": lambda count, value: not isinstance(value, list) or len(value) >= count,
    "required": lambda names, value: not isinstance(value, dict) or set(names) <= value.keys(),
    "dependentRequired": lambda needs, value: (
        not isinstance(value, dict)
        or all(set(names) <= value.keys() for name, names in needs.items() if name in value)
    ),
    "minProperties": lambda count, value: not isinstance(value, dict) or len(value) >= count,
    "maxProperties": lambda count, value: not isinstance(value, dict) or len(value) <= count,
}


class Schema:
    """A schema document; ``accepts`` judges one value by it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def accepts(self, value: Any, schema: Any = None) -> bool:
        schema = self.document if schema is None else schema
        if isinstance(schema, bool):
            return schema
        return all(self._holds(keyword, schema, value) for keyword in schema.keys() - TELLING)

    def _holds(self, keyword: str, schema: Mapping[str, Any], value: Any) -> bool:
        inner = schema[keyword]
        match keyword:
            case "$ref":
                return self.accepts(value, self.document["$defs"][inner.removeprefix("#/$defs/")])
            case "anyOf":
                return any(self.accepts(value, one) for one in inner)
            case "oneOf":
                return sum(self.accepts(value, one) for one in inner) == 1
            case "not":
                return not self.accepts(value, inner)
            case "items":
                return not isinstance(value, list) or all(self.accepts(item, inner) for item in value)
            case "propertyNames":
                return not isinstance(value, dict) or all(self.accepts(name, inner) for name in value)
            case "properties" | "patternProperties" | "additionalProperties":
                return not isinstance(value, dict) or all(
                    self.accepts(value[name], one) for name, one in _applied(keyword, schema, value)
                )
        return CHECKS[keyword](inner, value)


def _applied(keyword: str, schema: Mapping[str, Any], value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The properties that a keyword speaks of, each with the schema that it has to meet."""
    own, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name in value:
        if keyword == "properties":
            if name in own:
                yield name, own[name]
        elif keyword == "patternProperties":
            yield from ((name, one) for pattern, one in patterns.items() if re.search(pattern, name))
        elif name not in own and not any(re.search(pattern, name) for pattern in patterns):
            yield name, schema["additionalProperties"]


def keywords(schema: Any) -> set[str]:
    """Every keyword that a schema uses, at any depth."""
    if isinstance(schema, list):
        return {word for one in schema for word in keywords(one)}
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    for keyword, inner in schema.items():
        if keyword in ("properties", "patternProperties", "$defs"):
            found |= {word for one in inner.values() for word in keywords(one)}
        elif keyword not in ("default", "examples", "enum", "const", "dependentRequired"):
            found |= keywords(inner)
    return found


APPLICATORS = {
    "$ref", "anyOf", "oneOf", "not", "items", "propertyNames",
    "properties", "patternProperties", "additionalProperties",
}  # fmt: skip
KNOWN = TELLING | APPLICATORS | CHECKS.keys()
