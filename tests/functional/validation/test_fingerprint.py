"""A fingerprint is equal for equal content, and different for any change."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from problem import Misuse, Problem
from tests.functional.validation.conftest import StarForge
from tests.support.servers import Postgres, postgres_tool, run
from validation.connections import Unreachable
from validation.fingerprint import differences, fingerprint

EVERYTHING = """
CREATE TYPE mood AS ENUM ('calm', 'angry');
CREATE TYPE spot AS (x int, m mood);
CREATE DOMAIN email AS text;
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE kinds (
    id int PRIMARY KEY, n numeric, f float8, t text COLLATE nocase, j json, jb jsonb, x xml, e mood,
    es mood[], s spot, d email, i interval, r int4range, p point, b bit(3), v tsvector, c char(3),
    rc regclass, ip inet, m money, f4 float4, by bytea, ok boolean, ts timestamptz, u uuid);
INSERT INTO kinds VALUES (1, 1.0, 0, 'abc', '{"a": 1}', '{"a": 1.0}', '<a/>', 'calm', '{calm}',
    '(1,calm)', 'a@b', '1 day', '[1,2)', '(1,2)', '101', 'word', 'a', 'users', '10.0.0.1', 1, 0, '\\x00',
    true, now(), gen_random_uuid());
CREATE TABLE empty (); INSERT INTO empty DEFAULT VALUES;
CREATE TABLE parted (n int) PARTITION BY RANGE (n); CREATE TABLE part PARTITION OF parted DEFAULT;
INSERT INTO parted VALUES (1);
CREATE UNLOGGED TABLE scratchpad (n int); INSERT INTO scratchpad VALUES (1);
"""


def test_it_does_not_depend_on_oids_or_the_order_of_rows(
    new_starforge: Callable[[], StarForge], server: Postgres
) -> None:
    original, copy = new_starforge(), new_starforge()
    original.execute(EVERYTHING)
    server.execute(f"DROP DATABASE {copy.name}")
    server.execute(f"CREATE DATABASE {copy.name}")
    copy.execute("CREATE TYPE shifts_oids AS ENUM ('x'); DROP TYPE shifts_oids")
    dump = run([str(postgres_tool("pg_dump")), "--inserts", "--rows-per-insert=100", original.url])
    copy.execute("\n".join(line for line in dump.splitlines() if not line.startswith("\\")))
    copy.execute("SET search_path = public; UPDATE users SET id = id WHERE id < 5")
    before, after = fingerprint(original.url), fingerprint(copy.url)
    assert differences(before, after) == []
    assert before.total == after.total
    assert before.tables["public.part"].rows == 1
    assert before.left_out == ("public.scratchpad",)
    assert "public.parted" not in before.tables
    assert before.rows == 20 * 3 + 3


@pytest.mark.parametrize(
    "change",
    [
        "n = 1.00",
        "n = NULL",
        "f = '-0'",
        "f4 = '-0'",
        "t = 'ABC'",
        "j = '{\"a\":1}'",
        "jb = '{\"a\": 1.00}'",
        "x = '<b/>'",
        "e = 'angry'",
        "es = '{angry}'",
        "es = '[0:0]={calm}'",
        "s = '(1,angry)'",
        "d = 'a@c'",
        "i = '24 hours'",
        "r = '[1,3)'",
        "p = '(1,3)'",
        "b = '100'",
        "v = 'words'",
        "c = 'b'",
        "rc = 'user_troops'",
        "ip = '10.0.0.1/31'",
        "m = 2",
        "by = '\\x01'",
        "ok = false",
        "ts = ts + interval '1 microsecond'",
        "u = gen_random_uuid()",
    ],
)
def test_any_change_of_a_value_is_found(starforge: StarForge, change: str) -> None:
    starforge.execute(EVERYTHING)
    before = fingerprint(starforge.url)
    starforge.execute(f"UPDATE kinds SET {change}")
    after = fingerprint(starforge.url)
    assert differences(before, after) == ["public.kinds: 1 rows in both; their content differs"]
    assert before.total != after.total


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DELETE FROM users WHERE id = 20", "public.users: 20 rows, then 19; their content differs"),
        ("INSERT INTO empty DEFAULT VALUES", "public.empty: 1 rows, then 2; their content differs"),
        ("ALTER TABLE empty ADD COLUMN n int", "public.empty: 1 rows in both; their content differs"),
        ("DROP TABLE empty", "public.empty: only in the first"),
        ("CREATE TABLE more ()", "public.more: only in the second"),
        (
            "UPDATE user_troops SET troop_id = 3 - troop_id WHERE user_id IN (1, 2)",
            "public.user_troops: 20 rows in",
        ),
    ],
)
def test_a_change_of_rows_or_tables_is_named(starforge: StarForge, change: str, said: str) -> None:
    starforge.execute(
        "CREATE TABLE empty (); INSERT INTO empty DEFAULT VALUES; DELETE FROM users WHERE false"
    )
    starforge.execute("ALTER TABLE user_troops DROP CONSTRAINT user_troops_user_id_fkey")
    starforge.execute("ALTER TABLE hero_snapshots DROP CONSTRAINT hero_snapshots_user_id_fkey")
    before = fingerprint(starforge.url)
    starforge.execute(change)
    (line,) = differences(before, fingerprint(starforge.url))
    assert line.startswith(said)


def test_a_setting_of_the_database_changes_nothing(starforge: StarForge) -> None:
    starforge.execute(EVERYTHING)
    before = fingerprint(starforge.url)
    for setting in (
        "extra_float_digits = 0",
        "IntervalStyle = 'iso_8601'",
        "DateStyle = 'German'",
        "TimeZone = 'Asia/Tokyo'",
    ):
        starforge.execute(f"ALTER DATABASE {starforge.name} SET {setting}")
    assert fingerprint(starforge.url) == before


def test_tables_can_be_chosen_and_sequences_stand_apart(starforge: StarForge) -> None:
    starforge.execute("CREATE UNLOGGED TABLE scratchpad (n int)")
    found = fingerprint(starforge.url, ["users", "public.users", "scratchpad"], sequences=True)
    assert list(found.tables) == ["public.scratchpad", "public.users"]
    assert found.sequences == {"public.hero_snapshots_id_seq": 20}
    assert found.document()["tables"]["public.users"]["rows"] == 20
    starforge.execute("SELECT nextval('hero_snapshots_id_seq')")
    again = fingerprint(starforge.url, ["users", "scratchpad"], sequences=True)
    assert again.total == found.total
    assert again.sequences == {"public.hero_snapshots_id_seq": 21}
    assert list(fingerprint(starforge.url, ["users"]).tables) == ["public.users"]


def test_a_table_that_is_not_there_is_named_with_those_that_are(starforge: StarForge) -> None:
    with pytest.raises(Misuse, match=r"no table public\.user .*\n.*public\.users"):
        fingerprint(starforge.url, ["user"])


def test_what_postgresql_refuses_is_a_problem_in_words(starforge: StarForge) -> None:
    starforge.execute("DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN")
    with pytest.raises(Problem, match=r"the fingerprint failed on .*: permission denied for table"):
        fingerprint(starforge.url.replace("postgres@", "stranger@"))
    with pytest.raises(Unreachable):
        fingerprint(starforge.url + "_none")
