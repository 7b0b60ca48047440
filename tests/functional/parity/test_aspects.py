"""Each aspect on two real servers: the difference is found, named, and weighed; its cure makes it go away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.functional.parity.conftest import Pair
from tests.support.servers import folder, wait_until
from validation.parity.aspects import aspects


def test_equal_servers_do_not_differ_in_any_aspect(pair: Pair) -> None:
    found = pair.compare()
    assert found.differences == ()
    assert found.unread == {}
    assert found.document()["aspects"] == list(aspects())
    assert found.indexes is None


# One line a rule: what only the source is given, what only the restore is, and what is found.
CASES = [
    ("CREATE ROLE reporting LOGIN", "", {"role:reporting": "gate"}),
    ("", "CREATE ROLE gone LOGIN", {"role:gone": "note"}),
    ("CREATE ROLE app CREATEDB", "CREATE ROLE app", {"role:app:attributes": "gate"}),
    ("CREATE ROLE app", "CREATE ROLE app BYPASSRLS", {"role:app:attributes": "gate"}),
    ("CREATE ROLE app", "CREATE ROLE app CREATEDB", {"role:app:attributes": "note"}),
    ("CREATE ROLE app LOGIN", "CREATE ROLE app LOGIN CONNECTION LIMIT 3", {"role:app:connections": "gate"}),
    ("CREATE ROLE app CONNECTION LIMIT 1", "CREATE ROLE app", {"role:app:connections": "note"}),
    ("CREATE ROLE app LOGIN", "CREATE ROLE app LOGIN VALID UNTIL '2020-01-01'", {"role:app:expires": "gate"}),
    ("CREATE ROLE app LOGIN VALID UNTIL '2020-01-01'", "CREATE ROLE app LOGIN", {"role:app:expires": "note"}),
    ("CREATE ROLE app LOGIN PASSWORD 'a'", "CREATE ROLE app LOGIN", {"role:app:password": "gate"}),
    (
        "CREATE ROLE app LOGIN PASSWORD 'a'",
        "CREATE ROLE app LOGIN PASSWORD 'b'",
        {"role:app:password": "gate"},
    ),
    ("CREATE ROLE app LOGIN", "CREATE ROLE app LOGIN PASSWORD 'a'", {"role:app:password": "note"}),
    ("GRANT pg_monitor TO app", "", {"membership:app:pg_monitor": "gate"}),
    ("", "GRANT pg_monitor TO app", {"membership:app:pg_monitor": "note"}),
    (
        "GRANT pg_monitor TO app WITH ADMIN OPTION",
        "GRANT pg_monitor TO app",
        {"membership:app:pg_monitor": "gate"},
    ),
    (
        "GRANT pg_monitor TO app",
        "GRANT pg_monitor TO app WITH ADMIN OPTION",
        {"membership:app:pg_monitor": "note"},
    ),
    ("ALTER ROLE app SET search_path = app, public", "", {"role-setting:app:search_path": "gate"}),
    ("", "ALTER ROLE app SET work_mem = '8MB'", {"role-setting:app:work_mem": "note"}),
    ("ALTER DATABASE {db} SET TimeZone = 'Asia/Tokyo'", "", {"database-setting:TimeZone": "gate"}),
    (
        "ALTER ROLE app IN DATABASE {db} SET jit = off",
        "",
        {"role-setting:app:database:jit": "gate"},
    ),
    ("GRANT SELECT ON users TO app", "", {"grant:app:table": "gate"}),
    ("", "GRANT SELECT ON users TO PUBLIC", {"grant:PUBLIC:table:extra": "note"}),
    (
        "GRANT SELECT ON users TO app WITH GRANT OPTION",
        "GRANT SELECT ON users TO app",
        {"grant:app:table": "gate"},
    ),
    ("GRANT UPDATE (name) ON users TO app", "", {"grant:app:column": "gate"}),
    ("GRANT CREATE ON DATABASE {db} TO app", "", {"grant:app:database": "gate"}),
    ("GRANT CREATE ON SCHEMA public TO app", "", {"grant:app:schema": "gate"}),
    ("GRANT USAGE ON LANGUAGE plpgsql TO app WITH GRANT OPTION", "", {"grant:app:language": "gate"}),
    ("REVOKE CONNECT ON DATABASE {db} FROM PUBLIC", "", {"grant:PUBLIC:database:extra": "note"}),
    ("", "REVOKE CONNECT ON DATABASE {db} FROM PUBLIC", {"grant:PUBLIC:database": "gate"}),
    (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO app",
        "",
        {"default-privileges:tables:postgres:public": "gate"},
    ),
    (
        "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
        "",
        {"default-privileges:functions:postgres": "gate"},
    ),
    (
        "",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app",
        {"default-privileges:tables:postgres": "note"},
    ),
    ("ALTER TABLE users OWNER TO app", "", {"owner:app": "gate"}),
    ("ALTER DATABASE {db} OWNER TO app", "", {"database-owner": "gate"}),
    ("", "ALTER DATABASE {db} CONNECTION LIMIT 5", {"connection-limit": "gate"}),
    ("ALTER DATABASE {db} CONNECTION LIMIT 5", "", {"connection-limit": "note"}),
    ("CREATE EXTENSION pg_trgm", "", {"extension:pg_trgm": "gate"}),
    ("", "CREATE EXTENSION pg_trgm", {"extension:pg_trgm": "note"}),
    ("CREATE EXTENSION pg_trgm", "CREATE EXTENSION pg_trgm VERSION '1.4'", {"extension:pg_trgm": "gate"}),
    ("CREATE EXTENSION pg_trgm VERSION '1.5'", "CREATE EXTENSION pg_trgm", {"extension:pg_trgm": "note"}),
    (
        "CREATE EXTENSION citext",
        "CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext",
        {"extension:citext:schema": "gate"},
    ),
    ("ALTER TABLE users ENABLE ROW LEVEL SECURITY", "", {"row-security:public.users": "gate"}),
    ("", "ALTER TABLE users ENABLE ROW LEVEL SECURITY", {"row-security:public.users": "gate"}),
    ("ALTER TABLE users FORCE ROW LEVEL SECURITY", "", {"row-security:public.users": "gate"}),
    (
        'CREATE POLICY "Own rows" ON users FOR UPDATE TO app USING (id = 1) WITH CHECK (id = 1)',
        "",
        {"policy:public.users:Own rows": "gate"},
    ),
    (
        "CREATE POLICY p ON users USING (id = 1)",
        "CREATE POLICY p ON users USING (true)",
        {"policy:public.users:p": "gate"},
    ),
    ("", "CREATE POLICY p ON users USING (true)", {"policy:public.users:p": "gate"}),
    ("CREATE PUBLICATION cdc FOR TABLE users", "", {"publication:cdc": "gate"}),
    ("CREATE PUBLICATION cdc FOR ALL TABLES", "CREATE PUBLICATION cdc", {"publication:cdc": "gate"}),
    (
        "CREATE PUBLICATION cdc FOR TABLE users",
        "CREATE PUBLICATION cdc FOR TABLE users WITH (publish = 'insert')",
        {"publication:cdc": "gate"},
    ),
    ("", "CREATE PUBLICATION cdc FOR ALL TABLES", {"publication:cdc": "note"}),
    ("SELECT lo_create(0)", "", {"large-objects": "gate"}),
    ("SELECT lo_create(0), lo_create(0)", "SELECT lo_create(0)", {"large-objects": "note"}),
    ("", "SELECT lo_create(0)", {"large-objects": "note"}),
    ("SELECT pg_create_physical_replication_slot('standby')", "", {"slot:standby": "note"}),
    (
        "CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)",
        "",
        {"subscription:s": "note"},
    ),
]
SETTINGS = [
    ("work_mem = '8MB'", "work_mem = '1MB'", "gate"),
    ("work_mem = '8MB'", "work_mem = '6MB'", "note"),
    ("work_mem = '2MB'", "work_mem = '8MB'", "note"),
    ("statement_timeout = 0", "statement_timeout = '5s'", "gate"),
    ("statement_timeout = '1min'", "statement_timeout = '5s'", "gate"),
    ("statement_timeout = '5s'", "statement_timeout = 0", "note"),
    ("search_path = 'app, public'", "search_path = public", "gate"),
    ("TimeZone = 'Asia/Tokyo'", "TimeZone = 'UTC'", "gate"),
    ("DateStyle = 'ISO, DMY'", "DateStyle = 'ISO, MDY'", "gate"),
    ("synchronous_commit = on", "synchronous_commit = local", "gate"),
    ("synchronous_commit = local", "synchronous_commit = on", "note"),
    ("autovacuum = on", "autovacuum = off", "gate"),
    ("zero_damaged_pages = off", "zero_damaged_pages = on", "gate"),
    ("random_page_cost = 1.1", "random_page_cost = 4", "note"),
    ("session_preload_libraries = 'auto_explain'", "session_preload_libraries = DEFAULT", "gate"),
]


BY_HAND = {"role:app:password", "large-objects"}
"""Gates whose cure is no SQL; every other one ends by its own cure."""


def cleaned(pair: Pair) -> None:
    """Slots and subscriptions hold on to a database."""
    pair.in_source("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
    if pair.in_source("SELECT subname FROM pg_subscription"):
        pair.in_source("ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s")


@pytest.mark.parametrize(("source", "restored", "found"), CASES, ids=lambda one: str(one)[:60])
def test_a_difference_is_found_named_and_weighed_and_its_cure_ends_it(
    pair: Pair, source: str, restored: str, found: dict[str, str]
) -> None:
    if "ROLE app" not in source + restored or "ALTER ROLE" in source + restored:
        pair.in_both("CREATE ROLE app")
    for given, run in ((source, pair.in_source), (restored, pair.in_restored)):
        if given:
            run(given.format(db=pair.name))
    try:
        seen = pair.compare().differences
        assert {one.name: one.severity for one in seen} == found
        if set(found.values()) == {"gate"} and not BY_HAND & set(found):
            pair.in_restored(seen[0].cure.partition(" \\password")[0])
            assert pair.differences() == {}
    finally:
        cleaned(pair)


@pytest.mark.parametrize(("source", "restored", "severity"), SETTINGS)
def test_a_setting_is_weighed_by_what_it_does(pair: Pair, source: str, restored: str, severity: str) -> None:
    name = source.split()[0]
    for server, assigned in ((pair.original, source), (pair.restored, restored)):
        value = assigned.partition(" = ")[2]
        server.execute(f"ALTER SYSTEM SET {name} = {value}")
        server.execute("SELECT pg_reload_conf()")
    wait_until(lambda: f"setting:{name}" in pair.differences(), what="the new settings")
    assert pair.one(f"setting:{name}").severity == severity
    if severity == "gate":
        cure = pair.one(f"setting:{name}").cure
        alter, _, reload = cure.partition("; ")
        pair.restored.execute(alter)
        pair.restored.execute(reload)
        wait_until(lambda: not pair.differences(), what="the settings to be the same")


def test_a_setting_of_a_role_is_told_once_and_where_it_is_set(pair: Pair) -> None:
    pair.in_source("ALTER ROLE postgres SET work_mem = '64MB'")
    try:
        assert pair.differences() == {"role-setting:postgres:work_mem": "gate"}
    finally:
        pair.in_source("ALTER ROLE postgres RESET ALL")


def test_a_value_that_may_be_a_secret_is_compared_and_not_shown(pair: Pair) -> None:
    pair.in_source(f"ALTER DATABASE {pair.name} SET app.jwt_secret = 'hunter2'")
    pair.in_restored(f"ALTER DATABASE {pair.name} SET app.jwt_secret = 'hunter3'")
    found = pair.compare()
    assert [one.name for one in found.gates] == ["database-setting:app.jwt_secret"]
    assert "hunter" not in str(found.document())
    assert "hunter" not in str(found.reading.document())
    assert "digest" not in str(found.reading.document())


def test_a_tablespace_that_is_used_is_a_gate(pair: Pair, server_folder: Path) -> None:
    for name in ("used", "spare"):
        place = folder(server_folder / name)
        pair.original.execute(f"CREATE TABLESPACE {name} LOCATION '{place}'")
    try:
        pair.in_source("CREATE TABLE far (id int) TABLESPACE used")
        found = pair.differences()
        assert found == {"tablespace:used": "gate", "tablespace:spare": "note"}
    finally:
        pair.in_source("DROP TABLE IF EXISTS far")
        for name in ("used", "spare"):
            pair.original.execute(f"DROP TABLESPACE {name}")


def test_rights_on_a_thousand_tables_are_one_difference(pair: Pair) -> None:
    pair.in_both(
        "CREATE ROLE app; DO $$ BEGIN FOR n IN 1..1000 LOOP EXECUTE 'CREATE TABLE t' || n || ' (id int)'; "
        "END LOOP; END $$"
    )
    pair.in_source("GRANT SELECT ON ALL TABLES IN SCHEMA public TO app")
    found = pair.one("grant:app:table")
    assert found.object == "app on 1001 tables"
    assert found.source.endswith("and 998 more")
    assert len(found.cure.splitlines()) == 1001
    assert pair.cured("grant:app:table")


def test_what_only_one_side_has_is_no_matter_of_rights(pair: Pair) -> None:
    pair.in_both("CREATE ROLE app")
    pair.in_source("CREATE TABLE since (id int); GRANT SELECT ON since TO app")
    pair.in_restored("CREATE TABLE dropped (id int); ALTER TABLE dropped ENABLE ROW LEVEL SECURITY")
    assert pair.differences() == {}


def test_an_owner_needs_no_right_on_what_it_owns(pair: Pair) -> None:
    pair.in_both("CREATE ROLE app")
    pair.in_source("GRANT SELECT, UPDATE ON users TO app")
    pair.in_restored("ALTER TABLE users OWNER TO app")
    # The owner is told; that it has no grant besides is not.
    assert pair.differences() == {"owner:postgres": "gate"}


def test_names_that_need_quotes_are_cured_too(pair: Pair) -> None:
    pair.in_both('CREATE ROLE "Odd ""role"; CREATE SCHEMA "a.b"; CREATE TABLE "a.b"."T 1" ("c d" int)')
    pair.in_source(
        'GRANT SELECT ("c d") ON "a.b"."T 1" TO "Odd ""role"; GRANT USAGE ON SCHEMA "a.b" TO "Odd ""role"'
    )
    found = pair.differences()
    assert set(found.values()) == {"gate"}
    assert len(found) == 2
    for name in found:
        assert pair.cured(name)
