"""The engine's property values to plain Python values and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN


def plain(value: PropertyValue) -> Any:
    """A plain value; whole numbers become ints, unknown values None."""
    inner = value.value
    if inner == UNKNOWN:
        return None
    if isinstance(inner, float):
        return int(inner) if inner.is_integer() else inner
    if isinstance(inner, Mapping):
        return {name: plain(item) for name, item in inner.items()}
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [plain(item) for item in inner]
    return inner


def _property(value: Any) -> PropertyValue:
    if isinstance(value, Mapping):
        return PropertyValue({str(name): _property(item) for name, item in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str):
        return PropertyValue([_property(item) for item in value])
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value))
    return PropertyValue(value)


def wire(values: Mapping[str, Any], secrets: Collection[str] = ()) -> dict[str, PropertyValue]:
    """Plain values as the engine takes them; ``secrets`` are the names of those that it must encrypt."""
    return {name: _property(value).with_secret(name in secrets) for name, value in values.items()}


def has_unknowns(values: Mapping[str, PropertyValue]) -> bool:
    """Whether anything within is known only after another resource was made."""
    return any(_unknown(value) for value in values.values())


def _unknown(value: PropertyValue) -> bool:
    inner = value.value
    if isinstance(inner, Mapping):
        return any(_unknown(item) for item in inner.values())
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return any(_unknown(item) for item in inner)
    return bool(inner == UNKNOWN)
