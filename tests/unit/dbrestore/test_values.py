"""The engine's values to Python's and back."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

from dbrestore.values import has_unknowns, plain, wire

WHOLE = some.integers(-(2**53), 2**53)
VALUES = some.recursive(
    some.none() | some.booleans() | WHOLE | some.floats(allow_nan=False) | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=10,
)


@settings(deadline=None)
@given(some.dictionaries(some.text(), VALUES))
def test_values_come_back_from_the_wire_as_they_went(values: dict[str, Any]) -> None:
    sent = PropertyValue.unmarshal_map(PropertyValue.marshal_map(wire(values)))
    assert {name: plain(value) for name, value in sent.items()} == values


@given(WHOLE)
def test_a_whole_number_is_an_int_whatever_the_wire_makes_of_it(number: int) -> None:
    assert isinstance(plain(PropertyValue(float(number))), int)


def test_truth_is_no_number() -> None:
    assert plain(wire({"x": True})["x"]) is True


def test_only_the_named_values_are_secret() -> None:
    sent = wire({"password": "x", "name": "y"}, secrets={"password", "absent"})
    assert {name: value.is_secret for name, value in sent.items()} == {"password": True, "name": False}


def test_what_is_not_known_is_seen_at_any_depth_and_reads_as_none() -> None:
    unknown = PropertyValue(UNKNOWN)
    for value in (unknown, PropertyValue([unknown]), PropertyValue({"a": PropertyValue([unknown])})):
        assert has_unknowns({"x": value})
    assert plain(PropertyValue({"a": unknown})) == {"a": None}
    assert not has_unknowns(wire({"x": ["a", {"b": None}]}))
