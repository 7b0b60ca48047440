"""Rights that are lacking, and the statements that give and take them; versions; names."""

from __future__ import annotations

import pytest

from problem import listed
from validation.parity.aspect import identifier, literal
from validation.parity.aspects import aspects
from validation.parity.rights import grants, lacking, revoke
from validation.parity.versions import is_older


@pytest.mark.parametrize(
    ("wanted", "there", "missing"),
    [
        ({"app": ["SELECT"]}, {"app": ["SELECT"]}, {}),
        ({"app": ["SELECT"]}, {"app": ["SELECT*"]}, {}),
        ({"app": ["SELECT*"]}, {"app": ["SELECT"]}, {"app": ["SELECT*"]}),
        ({"app": ["SELECT", "UPDATE"]}, {"app": ["SELECT"]}, {"app": ["UPDATE"]}),
        ({"app": ["SELECT"]}, {}, {"app": ["SELECT"]}),
        ({}, {"app": ["SELECT"]}, {}),
        ({"boss": ["SELECT"]}, {}, {}),
    ],
)
def test_what_is_lacking(
    wanted: dict[str, list[str]], there: dict[str, list[str]], missing: dict[str, list[str]]
) -> None:
    assert lacking(wanted, there, owner="boss") == missing


def test_rights_that_may_be_passed_on_are_given_apart() -> None:
    assert grants(["INSERT", "SELECT*"], "TABLE public.t", "app") == [
        'GRANT INSERT ON TABLE public.t TO "app"',
        'GRANT SELECT ON TABLE public.t TO "app" WITH GRANT OPTION',
    ]
    assert grants(["SELECT"], "TABLE t", "PUBLIC") == ["GRANT SELECT ON TABLE t TO PUBLIC"]
    assert revoke(["INSERT", "SELECT*"], "TABLE t", "app") == 'REVOKE INSERT, SELECT ON TABLE t FROM "app"'


@pytest.mark.parametrize(
    ("one", "other", "older"),
    [("1.9", "1.10", True), ("1.10", "1.9", False), ("3.4.1", "3.4.1", False), ("dev", "1.0", True)],
)
def test_versions_are_compared_by_their_numbers(one: str, other: str, older: bool) -> None:
    assert is_older(one, other) is older


def test_words_for_sql_and_people() -> None:
    assert identifier('odd "name') == '"odd ""name"'
    assert literal("it's") == "'it''s'"
    assert listed(["a", "b"]) == "a, b"
    assert listed("abcde", most=3) == "a, b, c and 2 more"


def test_every_aspect_is_found_by_its_file() -> None:
    assert {"settings", "roles", "collation-versions", "row-security"} <= set(aspects())
    assert all(name == aspect.name for name, aspect in aspects().items())
