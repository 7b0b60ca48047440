"""Inputs held against their model: every wrong one is named, and defaults are filled in.

What is known only after another resource was made is passed over, and the rest is still checked: a
preview then neither hides a wrong value nor shows a difference that is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import CheckFailure
from pydantic import ValidationError, create_model
from pydantic_core import ErrorDetails

from dbrestore.handler import Inputs
from dbrestore.values import has_unknowns, plain, wire
from problem import Problem

Wire = dict[str, PropertyValue]


def checked(model: type[Inputs], values: Mapping[str, PropertyValue]) -> tuple[Wire, list[CheckFailure]]:
    """The inputs with their defaults, or as they came with what is wrong about them."""
    unknown = {name: value for name, value in values.items() if has_unknowns({name: value})}
    known = {name: plain(value) for name, value in values.items() if name not in unknown}
    try:
        found = (_without(model, unknown) if unknown else model).model_validate(known)
    except ValidationError as error:
        return dict(values), [_failure(detail) for detail in error.errors()]
    except Problem as problem:  # a rule of the archive's, say, that a model asks for
        return dict(values), [CheckFailure("", problem.message)]
    return wire(found.wire()) | unknown, []


def _without(model: type[Inputs], unknown: Mapping[str, object]) -> type[Inputs]:
    """The model without some of its fields; rules between fields have to wait."""
    fields: dict[str, Any] = {
        name: (field.annotation, field)
        for name, field in model.model_fields.items()
        if (field.alias or name) not in unknown
    }
    return create_model(model.__name__, __base__=Inputs, **fields)


def _failure(detail: ErrorDetails) -> CheckFailure:
    words = str(detail["ctx"]["error"]) if detail["type"] == "value_error" else detail["msg"]
    return CheckFailure(".".join(str(part) for part in detail["loc"]), words)
