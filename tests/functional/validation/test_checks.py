"""Each kind of check that only reads: one case that passes, and what is said when it does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.functional.validation.conftest import StarForge

TARGET = datetime(2025, 12, 3, 14, 23, tzinfo=UTC)


def test_connectivity_names_the_server(starforge: StarForge) -> None:
    found = starforge.passes("connectivity")
    assert found.facts["in-recovery"] is False
    assert found.summary.startswith(f"PostgreSQL {found.facts['version']} answers at 127.0.0.1:")


def test_schema_wants_tables_and_columns(starforge: StarForge) -> None:
    starforge.passes("schema")
    found = starforge.passes(
        "schema: {tables: [users, public.hero_snapshots], number-of-tables: 4, columns: {users: [id]}}"
    )
    assert found.facts["number-of-tables"] == 4
    starforge.execute("DROP TABLE user_profile_summary; ALTER TABLE users DROP COLUMN namecode")
    said = starforge.failure(
        "schema: {tables: [user_profile_summary], number-of-tables: {at-least: 4},"
        " columns: {users: [id, namecode], gone: [id]}}"
    )
    assert said.splitlines() == [
        "3 tables in schema public, expected at least 4",
        "table user_profile_summary does not exist",
        "table gone does not exist",
        "column users.namecode does not exist",
    ]


def test_row_counts_hold_bounds(starforge: StarForge) -> None:
    found = starforge.passes(
        "row-counts: {tables: {users: {at-least: 20}, public.hero_snapshots: {exactly: 20}}}"
    )
    assert found.facts["users"] == {"rows": 20}
    starforge.execute("TRUNCATE hero_snapshots")
    said = starforge.failure(
        "row-counts: {tables: {hero_snapshots: {at-least: 1}, gone: {exactly: 1}, users: {at-most: 20}}}"
    )
    assert said.splitlines() == ["table gone does not exist", "0 rows in hero_snapshots, expected at least 1"]


def test_row_counts_can_be_compared_with_the_source(new_starforge: Callable[[], StarForge]) -> None:
    source, restored = new_starforge(), new_starforge()
    restored.execute("DELETE FROM hero_snapshots WHERE id = 1")
    close = "row-counts: {tables: {hero_snapshots: {within: 5%}}}"
    assert restored.passes(close, source_url=source.url).facts["hero_snapshots"] == {"rows": 19, "source": 20}
    restored.execute("DELETE FROM hero_snapshots WHERE id = 2")
    said = restored.failure(close, source_url=source.url)
    assert said == "18 rows in hero_snapshots, the source has 20: more than 5% apart"
    source.execute("DROP TABLE hero_snapshots")
    assert "does not exist in the source" in restored.failure(close, source_url=source.url)
    assert "the source's URL was not given" in restored.failure(close)


def test_row_counts_can_be_estimates(starforge: StarForge) -> None:
    starforge.execute(
        "CREATE TABLE parted (n int) PARTITION BY RANGE (n); CREATE TABLE part PARTITION OF parted DEFAULT;"
        "INSERT INTO parted SELECT generate_series(1, 50)"
    )
    estimated = (
        "row-counts: {tables: {users: {exactly: 20, estimate: true}, parted: {exactly: 50, estimate: true}}}"
    )
    assert "users: no estimate yet; run ANALYZE" in starforge.failure(estimated)
    starforge.execute("ANALYZE")
    starforge.passes(estimated)


def test_an_estimate_of_the_source_must_exist(new_starforge: Callable[[], StarForge]) -> None:
    source, restored = new_starforge(), new_starforge()
    restored.execute("ANALYZE")
    check = "row-counts: {tables: {users: {within: 5%, estimate: true}}}"
    assert "the source has no estimate" in restored.failure(check, source_url=source.url)


def test_references_find_orphans_behind_the_back_of_the_schema(starforge: StarForge) -> None:
    found = starforge.passes("references: {not-null: {user_troops: [user_id]}}")
    assert len(found.facts["foreign-keys"]) == 3
    # as a damaged copy would have it: no trigger saw these rows go
    starforge.execute("SET session_replication_role = replica; DELETE FROM users WHERE id IN (3, 4)")
    said = starforge.failure("references").splitlines()
    assert len(said) == 2
    assert said[0].startswith(
        "2 rows of public.hero_snapshots have no public.users (hero_snapshots_user_id_fkey)"
    )
    assert said[1].endswith("user_id: 3; 4")


def test_references_find_what_is_null(starforge: StarForge) -> None:
    starforge.execute("UPDATE user_troops SET user_id = NULL WHERE user_id <= 2")
    said = starforge.failure("references: {not-null: {user_troops: [user_id, troop_id]}}")
    assert said == "2 rows of user_troops have no user_id (it is null)"


def test_references_that_are_not_declared_or_only_named_are_proven(starforge: StarForge) -> None:
    relation = "also: [{from: user_troops.level, to: public.users.id}]"
    only = "foreign-keys: [user_troops_user_id_fkey]"
    assert len(starforge.passes(f"references: {{{only}, {relation}}}").facts["foreign-keys"]) == 2
    starforge.execute("UPDATE user_troops SET level = 99 WHERE user_id = 7")
    said = starforge.failure(f"references: {{foreign-keys: none, {relation}}}")
    assert said == (
        "1 rows of user_troops have no public.users (user_troops.level -> public.users.id); level: 99"
    )
    assert starforge.failure("references: {foreign-keys: [nope]}") == "there is no foreign key nope"


def test_constraints_that_are_not_valid_are_proven_by_their_rows(starforge: StarForge) -> None:
    starforge.execute(
        "ALTER TABLE users ADD CONSTRAINT named CHECK (namecode <> 'name 5') NOT VALID;"
        "CREATE TABLE notes (user_id bigint); INSERT INTO notes VALUES (500);"
        "ALTER TABLE notes ADD CONSTRAINT notes_user FOREIGN KEY (user_id) REFERENCES users NOT VALID"
    )
    said = starforge.failure("references")
    assert "1 rows of public.users break the NOT VALID constraint named" in said
    assert "1 rows of public.notes have no public.users (notes_user); user_id: 500" in said
    starforge.execute("DELETE FROM notes; UPDATE users SET namecode = 'other' WHERE id = 5")
    assert starforge.passes("references").facts["not-valid"] == ["named"]


def test_references_of_two_columns_and_of_partitions_are_proven_once(starforge: StarForge) -> None:
    starforge.execute(
        "CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b)); INSERT INTO pairs VALUES (1, 2);"
        "CREATE TABLE points (b int, a int, FOREIGN KEY (a, b) REFERENCES pairs) PARTITION BY RANGE (a);"
        "CREATE TABLE points_all PARTITION OF points DEFAULT;"
        "INSERT INTO points (a, b) VALUES (1, 2), (NULL, 9)"
    )
    assert len(starforge.passes("references").facts["foreign-keys"]) == 4
    starforge.execute("SET session_replication_role = replica; UPDATE pairs SET b = 3")
    assert "a, b: 1, 2" in starforge.failure("references")


def test_unique_finds_doubled_rows(starforge: StarForge) -> None:
    pair = "unique: {columns: {user_troops: [user_id, troop_id]}}"
    assert starforge.passes(pair).facts["keys"] == ["user_troops(user_id, troop_id)"]
    starforge.execute("INSERT INTO user_troops SELECT user_id, troop_id FROM user_troops WHERE user_id = 4")
    said = starforge.failure(pair)
    assert said == "1 values of (user_id, troop_id) are there more than once in user_troops: 4, 1"


def test_declared_rules_are_proven_on_tables_whose_names_have_dots_and_quotes(starforge: StarForge) -> None:
    odd = '"o.dd"."we""ird.Täble"'
    starforge.execute(
        f'CREATE SCHEMA "o.dd"; CREATE TABLE {odd} (id int PRIMARY KEY, up int REFERENCES {odd});'
        f"ALTER TABLE {odd} ADD CONSTRAINT small CHECK (id < 9) NOT VALID; INSERT INTO {odd} VALUES (1, 1)"
    )
    assert f"{odd}(id)" in starforge.passes("unique").facts["keys"]
    starforge.passes("references")
    starforge.execute(f"ALTER TABLE {odd} DISABLE TRIGGER ALL; UPDATE {odd} SET up = 7")
    assert f"1 rows of {odd} have no {odd}" in starforge.failure("references")


def test_unique_proves_declared_keys_without_trusting_their_index(starforge: StarForge) -> None:
    assert "public.users(namecode)" in starforge.passes("unique").facts["keys"]
    starforge.execute("INSERT INTO users VALUES (30, NULL, now()), (31, NULL, now())")
    starforge.passes("unique")  # a unique index allows nulls
    # an index that does not see new rows lets doubled ones in, as a damaged one would
    starforge.execute(
        "UPDATE pg_index SET indisready = false, indislive = false "
        "WHERE indexrelid = 'users_namecode_key'::regclass"
    )
    starforge.execute("INSERT INTO users VALUES (50, 'name 1', now())")
    starforge.execute(
        "UPDATE pg_index SET indisready = true, indislive = true "
        "WHERE indexrelid = 'users_namecode_key'::regclass"
    )
    said = starforge.failure("unique: {columns: {user_troops: [user_id, troop_id]}, declared: true}")
    assert said == (
        "1 values of (namecode) are there more than once in public.users"
        " in spite of the index users_namecode_key: name 1"
    )


NEWEST = "newest: {table: hero_snapshots, column: created_at, within: 10m}"


def test_newest_fits_the_target_time(starforge: StarForge) -> None:
    found = starforge.passes(NEWEST, target_time=TARGET)
    assert found.summary == "the newest row of hero_snapshots is 3m before the target"
    assert found.facts["latest"][0] == "2025-12-03T14:20:00+00:00"
    assert len(found.facts["latest"]) == 5


def test_newest_after_the_target_means_that_the_restore_went_too_far(starforge: StarForge) -> None:
    starforge.execute("INSERT INTO hero_snapshots (user_id, created_at) VALUES (1, '2025-12-03 14:23:01Z')")
    said = starforge.failure(NEWEST, target_time=TARGET)
    assert said == (
        "the newest hero_snapshots.created_at is 2025-12-03 14:23:01+00:00, "
        "after the target 2025-12-03 14:23:00+00:00: the restore went too far"
    )
    starforge.passes(NEWEST.replace("10m", "10m, ahead: 2s"), target_time=TARGET)


def test_newest_long_before_the_target_means_that_rows_are_missing(starforge: StarForge) -> None:
    starforge.execute("DELETE FROM hero_snapshots WHERE created_at > '2025-12-03 14:10Z'")
    said = starforge.failure(NEWEST, target_time=TARGET)
    assert "more than 10m before the target" in said
    starforge.execute("TRUNCATE hero_snapshots")
    assert starforge.failure(NEWEST, target_time=TARGET) == "no row of hero_snapshots has a created_at"


def test_newest_without_a_target_is_skipped_and_says_so(starforge: StarForge) -> None:
    found = starforge.verdict(NEWEST)
    assert found.outcome == "skipped"
    assert "no target time given" in found.summary


def test_newest_reads_dates_and_times_without_zone_as_utc(starforge: StarForge) -> None:
    starforge.execute(
        "CREATE TABLE days (day date, moment timestamp, n int); "
        "INSERT INTO days VALUES ('2025-12-03', '2025-12-03 14:22', 1)"
    )
    starforge.passes("newest: {table: days, column: moment, within: 1m}", target_time=TARGET)
    starforge.passes("newest: {table: days, column: day, within: 1d}", target_time=TARGET)
    said = starforge.failure("newest: {table: days, column: n, within: 1d}", target_time=TARGET)
    assert "the column holds int, not a date or time" in said


@pytest.mark.parametrize(
    ("query", "expect"),
    [
        ("SELECT count(*) FROM users", "20"),
        ("SELECT id, namecode FROM users WHERE id <= 2 ORDER BY id", "[[1, name 1], [2, name 2]]"),
        ("SELECT id FROM users WHERE id <= 2 ORDER BY id", "[1, 2]"),
        ("SELECT id FROM users WHERE id < 2", "[1]"),
        ("SELECT user_id FROM user_troops GROUP BY 1 HAVING count(*) > 1", "[]"),
        ("SELECT max(processed_at) FROM hero_snapshots", "null"),
        ("SELECT namecode LIKE 'name%' FROM users LIMIT 1", "true"),
        ("SELECT 1.50, 2.0", "[[1.5, 2]]"),
        ("SELECT min(created_at) FROM users", "2025-12-03T14:01:00+00:00"),
        ("SELECT ''a''::bytea, '{\"a\": [1]}'::jsonb", "[['61', {a: [1]}]]"),
        ("SELECT '00000000-0000-0000-0000-000000000001'::uuid, '127.0.0.1'::inet", None),
    ],
)
def test_sql_gives_what_is_expected(starforge: StarForge, query: str, expect: str | None) -> None:
    query = query.replace("''a''", "'a'")
    expect = expect or "[['00000000-0000-0000-0000-000000000001', '127.0.0.1']]"
    if expect.startswith("2025"):
        expect = f"'{expect}'"
    block = f"sql:\n    name: mine\n    query: |\n      {query}\n    expect: {expect}"
    assert starforge.passes(block).name == "mine"


def test_sql_says_what_it_gave(starforge: StarForge) -> None:
    count = "sql: {name: n, query: SELECT count(*) FROM users, "
    assert starforge.failure(count + "expect: 21}") == "20, expected 21"
    assert starforge.failure(count + "bounds: {at-least: 30}}") == "20 by the query, expected at least 30"
    starforge.passes(count + "bounds: {at-least: 20}}")
    none = "sql: {name: n, query: SELECT id FROM users WHERE false, "
    assert starforge.failure(none + "bounds: {at-least: 1}}") == "no row, expected one whole number"
    assert starforge.failure("sql: {name: n, query: SELECT true, expect: 1}") == "True, expected 1"
    assert 'relation "nope" does not exist' in starforge.failure(
        "sql: {name: n, query: TABLE nope, expect: 1}"
    )
