"""Names of restores: such as every provider and PostgreSQL take, with the nearest right one told."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from problem import Misuse
from stacks.model import parse
from tests.unit.stacks.examples import good, the_line

RDS_IDENTIFIER = re.compile(r"[a-z](-?[a-z0-9])*")
"""Amazon's words: 1 to 63 letters, digits or hyphens, a letter first, no hyphen last and no two together."""


def named(name: object) -> dict[str, object]:
    return good(restores={name: {"from": {"latest": True}}})


@given(
    some.from_regex(r"[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,9}){0,4}", fullmatch=True).filter(
        lambda n: n != "source"
    )
)
def test_lower_case_words_with_single_hyphens_are_names(name: str) -> None:
    assert list(parse(named(name)).restores) == [name]


@given(some.text(max_size=80))
@example("SOURCE")
@example("1" * 80)
@example("a" * 62 + "-b")
@example("")
@example("source!")
def test_a_name_is_taken_as_it_is_or_refused_with_a_right_one(name: str) -> None:
    try:
        parse(named(name))
        said = ""
    except Misuse as refused:
        said = str(refused)
    assert bool(said) != bool(name != "source" and len(name) <= 63 and RDS_IDENTIFIER.fullmatch(name))
    nearest = re.search(r"\(nearest: ([^)]*)\)$", said)
    if said and name != "source":
        assert nearest
        assert list(parse(named(nearest[1])).restores) == [nearest[1]]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("StarForge_Restore", "starforge-restore"),
        ("2025-12-03", "restore-2025-12-03"),
        ("before--accident", "before-accident"),
        ("before-", "before"),
        ("a" * 64, "a" * 63),
        (2025, "restore-2025"),
    ],
)
def test_the_nearest_name_is_what_one_would_have_meant(name: object, nearest: str) -> None:
    line = the_line(named(name))
    assert line.endswith(f"a letter first (nearest: {nearest})")


def test_a_line_break_after_a_name_is_seen() -> None:
    assert "'good\\n' is not a name every provider takes" in the_line(named("good\n"))


def test_no_restore_can_be_called_source() -> None:
    assert the_line(named("source")) == (
        "reforge:restores.source: 'source' always means the original; give the restore another name"
    )


@pytest.mark.parametrize("name", ["str", "port", "from", "function-x", "validated", "secure"])
def test_a_restore_may_be_called_like_something_of_the_model(name: str) -> None:
    line = the_line(good(restores={name: {"from": {"latest": True}, "prot": 5}}))
    assert line == (
        f"reforge:restores.{name}.prot: is not known here; did you mean port? "
        "(allowed: from, port, validated, waived, waived-differences)"
    )


def test_a_restore_point_has_the_length_that_postgresql_keeps() -> None:
    parse(good(restores={"r": {"from": {"name": "ä" * 31}}}))
    line = the_line(good(restores={"r": {"from": {"name": "ä" * 32}}}))
    assert line.startswith("reforge:restores.r.from.name: ")
    assert "1 to 63 bytes" in line
