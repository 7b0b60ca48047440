"""A table's name as people write it; the words of an answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from finding.catalogs import Table
from finding.names import matching, parse_name, unknown
from finding.words import age
from problem import Misuse

TABLES = [Table(1, "public", "accounts", 1, 0), Table(2, "sales", "accounts", 2, 0), Table(3, "a", "b", 3, 0)]
TABLES += [Table(4, "x", "twice", 4, 0), Table(5, "y", "twice", 5, 0)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("accounts", (None, "accounts")),
        ("public.Accounts", ("public", "accounts")),
        ('"Odd schema"."Ta.ble"', ("Odd schema", "Ta.ble")),
        ('public."say ""hi"""', ("public", 'say "hi"')),
        ("with space", (None, "with space")),
    ],
)
def test_a_name_is_read_as_sql_reads_it(text: str, parts: tuple[str | None, str]) -> None:
    assert parse_name(text) == parts


@pytest.mark.parametrize("text", ["", ".", "a.", ".b", "a.b.c", '"', 'a"b'])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(Misuse) as refused:
        parse_name(text)
    assert refused.value.name == "table-name"


def test_without_a_schema_public_is_meant_or_the_only_one() -> None:
    assert [one.oid for one in matching(TABLES, None, "accounts")] == [1]
    assert [one.oid for one in matching(TABLES, "sales", "accounts")] == [2]
    assert [one.oid for one in matching(TABLES, None, "b")] == [3]
    with pytest.raises(Misuse, match=r"x\.twice, y\.twice") as refused:
        matching(TABLES, None, "twice")
    assert refused.value.name == "table-ambiguous"


def test_an_unknown_name_is_told_with_the_nearest_or_with_some() -> None:
    assert "Did you mean public.accounts, sales.accounts?" in unknown("acount", TABLES, "shop").cure
    assert "There are: a.b, public.accounts" in unknown("zzzzzz", TABLES, "shop").cure
    assert "no tables at all" in unknown("t", [], "shop").cure


def test_a_name_that_is_told_can_be_typed_as_it_stands() -> None:
    odd = Table(6, "Odd.schema", 'say "hi"', 6, 0)
    assert odd.full_name == '"Odd.schema"."say ""hi"""'
    assert parse_name(odd.full_name) == (odd.schema, odd.name)
    assert f"Did you mean {odd.full_name}?" in unknown('"say ""ho"""', [*TABLES, odd], "shop").cure
    with pytest.raises(Misuse, match=r'"A"\."b c", x\."b c"'):
        matching([Table(7, "A", "b c", 7, 0), Table(8, "x", "b c", 8, 0)], None, "b c")


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(hours=2, minutes=13, seconds=5), "2 h 13 min ago"),
        (timedelta(days=3, seconds=40), "3 d ago"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(0), "0 s ago"),
        (timedelta(seconds=-3), "0 s ago"),
    ],
)
def test_an_age_is_told_in_two_units(passed: timedelta, words: str) -> None:
    assert age(passed) == words
