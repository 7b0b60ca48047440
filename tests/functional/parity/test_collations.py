"""Another version of the library that sorts text: what depends on it is checked on real indexes."""

from __future__ import annotations

import pytest

from tests.functional.parity.conftest import Pair
from validation.parity.indexes import check_indexes

FILL = """
CREATE TABLE names (id int, name text COLLATE "de-x-icu", plain text);
INSERT INTO names SELECT n, 'name ' || n, 'name ' || n FROM generate_series(1, 500) n;
"""
OLDER = "UPDATE pg_collation SET collversion = '1.1' WHERE collname = 'de-x-icu'"
GATE = "collation-version:de-x-icu"
MAKE = """
CREATE COLLATION upper_first (provider = icu, locale = 'en-u-kf-upper');
CREATE TABLE mixed (word text COLLATE upper_first);
INSERT INTO mixed SELECT chr(97 + n % 26) FROM generate_series(1, 52) n;
INSERT INTO mixed SELECT chr(65 + n % 26) FROM generate_series(1, 52) n;
CREATE INDEX mixed_word ON mixed (word);
CREATE INDEX mixed_brin ON mixed USING brin (word);
"""
SORTED_ANEW = """
UPDATE pg_collation SET colliculocale = 'en-u-kf-lower', collversion = '1.1' WHERE collname = 'upper_first'
"""
"""What the renewal of a library does to an index that is there."""


@pytest.fixture
def upgraded(pair: Pair) -> Pair:
    """A restore on a machine with another library: its index was sorted by the source's."""
    pair.in_both(MAKE)
    pair.in_restored(SORTED_ANEW)
    return pair


def amcheck_is_there(pair: Pair) -> bool:
    return bool(pair.in_restored("SELECT extname FROM pg_extension WHERE extname = 'amcheck'"))


def test_indexes_in_order_are_proven_and_the_gate_ends_with_the_refresh(pair: Pair) -> None:
    pair.in_both(FILL + "CREATE INDEX names_name ON names (name); CREATE INDEX names_plain ON names (plain);")
    pair.in_restored(OLDER)
    found = pair.compare()
    assert [one.name for one in found.differences] == [GATE]
    assert (found.gates[0].source, found.gates[0].cure) == (
        "1.1",
        'ALTER COLLATION pg_catalog."de-x-icu" REFRESH VERSION;',
    )
    assert found.indexes is not None
    assert found.indexes.sound == ("public.names_name",)
    assert pair.cured(GATE)
    assert not amcheck_is_there(pair)


def test_a_version_on_which_no_index_depends_is_a_note(pair: Pair) -> None:
    pair.in_both(FILL)
    pair.in_restored(OLDER)
    assert pair.differences() == {GATE: "note"}


def test_a_version_that_the_source_is_at_odds_with_as_well_is_a_note(pair: Pair) -> None:
    pair.in_both(FILL + "CREATE INDEX names_name ON names (name);")
    pair.in_both(OLDER)
    found = pair.one(GATE)
    assert found.severity == "note"
    assert "The source has the same" in found.why


def test_a_damaged_index_is_a_gate_with_its_reindex_command(upgraded: Pair) -> None:
    found = upgraded.one("index:public.mixed_word")
    assert found.severity == "gate"
    assert "item order invariant violated" in found.restored
    assert found.cure == "REINDEX INDEX public.mixed_word;"
    assert upgraded.cured("index:public.mixed_word")
    assert not amcheck_is_there(upgraded)
    assert upgraded.in_restored("SELECT nspname FROM pg_namespace WHERE nspname ~ 'amcheck'") == []


def test_what_amcheck_cannot_read_is_named_with_the_command_that_makes_it_safe(upgraded: Pair) -> None:
    found = upgraded.one("indexes-unchecked")
    assert found.severity == "note"
    assert found.restored == "amcheck knows no brin indexes"
    assert found.cure == "REINDEX INDEX public.mixed_brin;"


def test_a_role_that_may_not_make_amcheck_is_told_so(upgraded: Pair) -> None:
    upgraded.in_both("CREATE ROLE app LOGIN")
    url = upgraded.url.replace("postgres@", "app@")
    found = check_indexes(url, None)
    assert found.sound == ()
    assert "amcheck cannot be made by this role: permission denied" in found.unchecked["public.mixed_word"]


def test_an_amcheck_that_is_there_is_used_and_stays(upgraded: Pair) -> None:
    upgraded.in_restored("CREATE EXTENSION amcheck")
    found = check_indexes(upgraded.url, None)
    assert list(found.damaged) == ["public.mixed_word"]
    assert amcheck_is_there(upgraded)


def test_all_indexes_are_checked_where_that_is_asked_for(pair: Pair) -> None:
    pair.in_both(FILL + "CREATE INDEX names_name ON names (name); CREATE INDEX names_plain ON names (plain);")
    found = pair.compare(all_indexes=True)
    assert found.indexes is not None
    assert set(found.indexes.sound) == {"public.names_name", "public.names_plain"}
    assert found.differences == ()


def test_the_version_of_the_database_itself_is_compared(pair: Pair) -> None:
    names = "LOCALE_PROVIDER icu ICU_LOCALE 'de' TEMPLATE template0"
    for server in (pair.original, pair.restored):
        server.execute(f"CREATE DATABASE {pair.name}_icu {names}")
    icu = Pair(pair.original, pair.restored, f"{pair.name}_icu")
    try:
        icu.in_both(FILL + "CREATE INDEX names_plain ON names (plain)")
        icu.in_restored(f"UPDATE pg_database SET datcollversion = '1.1' WHERE datname = '{icu.name}'")
        found = icu.one("collation-version")
        assert (found.severity, found.source) == ("gate", "1.1")
        assert found.cure == f'ALTER DATABASE "{icu.name}" REFRESH COLLATION VERSION;'
        checked = icu.compare().indexes
        assert checked is not None
        assert checked.sound == ("public.names_plain",)
        assert icu.cured("collation-version")
    finally:
        for server in (pair.original, pair.restored):
            server.execute(f"DROP DATABASE {icu.name}")
