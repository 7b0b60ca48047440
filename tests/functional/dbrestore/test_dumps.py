"""Instances from dumps on real PostgreSQL: each format, roles, selections, damage, killed loads."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dbrestore.handler import Context
from dbrestore.logical import data, tabledata
from dbrestore.logical.database import properties
from dbrestore.logical.entries import Entry
from dbrestore.logical.fetching import Store
from dbrestore.logical.load import load
from dbrestore.logical.opening import open_dump
from dbrestore.logical.options import Options
from dbrestore.logical.programs import restore_entries
from dbrestore.logical.reading import archive_of
from dbrestore.logical.target import Target
from dbrestore.postgres.instance import Instance
from dbrestore.postgres.mark import read_mark
from problem import Problem, Refusal
from tests.support.buckets import s3
from tests.support.dumps import DATABASE, ROWS, Dumped, application, superuser
from tests.support.postgres import postgres_tool
from tests.support.servers import Postgres, folder, run, scratch
from toolchain.postgres import find_binaries, installations

Restore = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def dumped() -> Iterator[Dumped]:
    with scratch() as place, Postgres(folder(place / "pg")) as server:
        yield Dumped.make(server, place / "dumps")


@pytest.fixture
def restore(dumped: Dumped) -> Iterator[Restore]:
    """Restores under the name ``r``; whatever it made is gone afterwards, by the handler's own delete."""
    made: list[tuple[str, dict[str, Any]]] = []

    def make(dump: Path | str, **options: Any) -> dict[str, Any]:
        inputs = dumped.inputs("r", dump, **({"create_roles": True} | options))
        Instance().examine(dumped.context("r"), inputs)
        made.append(Instance().create(dumped.context("r"), inputs))
        return made[-1][1]

    yield make
    for identity, state in made:
        Instance().delete(dumped.context("r"), identity, state)
        assert not Path(identity).exists()
    assert not dumped.restores.exists()


def refused(dumped: Dumped, dump: Path | str, **options: Any) -> Problem:
    """What a restore is refused with in the preview, and that nothing is left of it."""
    with pytest.raises(Problem) as caught:
        Instance().examine(dumped.context("no"), dumped.inputs("no", dump, **options))
    assert not dumped.restores.exists()
    return caught.value


def failed(dumped: Dumped, dump: Path | str, **options: Any) -> Problem:
    """What a restore fails with, and that nothing is left of it."""
    with pytest.raises(Problem) as caught:
        Instance().create(
            dumped.context("no"), dumped.inputs("no", dump, **({"create_roles": True} | options))
        )
    assert not dumped.restores.exists()
    return caught.value


def one(conninfo: str, query: str) -> Any:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


FORMATS = {
    "custom": ["-Fc"],
    "custom, not compressed": ["-Fc", "-Z0"],
    "directory": ["-Fd", "-j2"],
    "tar": ["-Ft"],
    "plain": [],
    "plain that makes its database": ["-C"],
}


def mostly_slow(quick: set[str], values: Iterable[str]) -> list[Any]:
    """Parameters of which ``make test`` takes the quick ones."""
    return [value if value in quick else pytest.param(value, marks=pytest.mark.slow) for value in values]


@pytest.mark.parametrize(
    "kind", mostly_slow({"custom", "directory", "plain that makes its database"}, FORMATS)
)
def test_the_database_of_each_format_is_the_dumps_own(dumped: Dumped, restore: Restore, kind: str) -> None:
    state = restore(dumped.dump(f"{kind}.dump", *FORMATS[kind]))
    assert dumped.text(superuser(state)) == dumped.text()
    assert state["complaints"] == {"harmless": 0, "lossy": 0, "fatal": 0}
    assert state["loadedRows"] == 3 * ROWS + 1
    if "-C" in FORMATS[kind] or "plain" not in kind:
        assert one(superuser(state), "SHOW work_mem") == "5MB"


@pytest.mark.parametrize("kind", ["-Fc", "-Fd"])
def test_a_table_that_all_connections_fill_together_has_every_row_once(
    dumped: Dumped, restore: Restore, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(tabledata, "SHARED_FROM", 0)
    monkeypatch.setattr(data, "BLOCK", 512)
    state = restore(dumped.dump(f"shared{kind}.dump", kind, "-Z0"), jobs=8)
    assert sorted(dumped.text(superuser(state)).splitlines()) == sorted(dumped.text().splitlines())
    assert state["loadedRows"] == 3 * ROWS + 1


@pytest.mark.parametrize("how", mostly_slow({"zst"}, ["gz", "lz4", "zst"]))
def test_plain_sql_may_be_compressed(dumped: Dumped, restore: Restore, how: str) -> None:
    state = restore(dumped.packed(dumped.dump("plain.sql"), how))
    assert dumped.text(superuser(state)) == dumped.text()


@pytest.mark.slow
def test_plain_sql_may_have_the_line_ends_of_windows(dumped: Dumped, restore: Restore) -> None:
    path = dumped.place / "windows.sql"
    path.write_bytes(dumped.dump("plain.sql").read_bytes().replace(b"\n", b"\r\n"))
    state = restore(path)
    assert one(superuser(state), "SELECT count(*) FROM shop.users") == ROWS
    assert one(superuser(state), "SELECT name FROM shop.users WHERE id = 7") == "user 7"


@pytest.mark.slow
def test_rows_that_are_insert_statements_are_loaded_too(dumped: Dumped, restore: Restore) -> None:
    for options in (["--inserts", "-Fc"], ["--load-via-partition-root", "-Fc"]):
        state = restore(dumped.dump(f"{options[0]}.dump", *options))
        assert dumped.text(superuser(state)) == dumped.text()
        Instance().delete(dumped.context("r"), state["directory"], state)


def test_the_application_gets_in_with_its_own_password_and_no_more_rights_than_before(
    dumped: Dumped, restore: Restore
) -> None:
    state = restore(dumped.dump("custom.dump", "-Fc"))
    with application(state) as connection:
        assert connection.execute("SELECT count(*) FROM shop.users").fetchone() == (ROWS,)
        assert connection.execute("SHOW is_superuser").fetchone() == ("off",)
    with psycopg.connect(superuser(state), autocommit=True) as connection:
        connection.execute("SET ROLE reader")
        assert connection.execute("SELECT count(*) FROM shop.users").fetchone() == (ROWS - 1,)
    assert one(superuser(state), "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'reader'") is False
    text = "".join(path.read_text() for path in Path(state["directory"]).glob("*.conf"))
    assert "se'cret" not in text + (Path(state["directory"]) / "reforge-server.log").read_text()


def test_the_server_is_durable_again_and_its_tables_analysed_and_frozen(
    dumped: Dumped, restore: Restore
) -> None:
    state = restore(dumped.dump("directory.dump", "-Fd"))
    url = superuser(state)
    wanted = {"fsync": "on", "full_page_writes": "on", "autovacuum": "on", "wal_level": "replica"}
    assert {name: one(url, f"SHOW {name}") for name in wanted} == wanted
    assert one(url, "SHOW data_checksums") == "on"
    assert one(url, "SELECT count(*) FROM pg_stats WHERE schemaname = 'shop'") > 5
    assert one(url, "SELECT relallvisible = relpages FROM pg_class WHERE oid = 'shop.users'::regclass")
    assert "listen_addresses = '127.0.0.1'" in (Path(state["directory"]) / "postgresql.auto.conf").read_text()


def test_a_restored_instance_is_stopped_seen_and_opened_to_the_application(
    dumped: Dumped, restore: Restore
) -> None:
    state = restore(dumped.dump("custom.dump", "-Fc"))
    assert Instance().read(dumped.context("r"), state["directory"], state)["status"] == "ready"  # type: ignore[index]
    inputs = dumped.inputs("r", dumped.dump("custom.dump"), create_roles=True)
    opened = inputs.model_copy(update={"access": "application", "clients": ["127.0.0.1/32"], "operators": []})
    state = Instance().update(dumped.context("r"), state["directory"], state, opened)
    with application(state) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    again = Instance().create(dumped.context("r"), inputs)[1]
    assert again["boundPort"] == state["boundPort"], "done already is no error"


# Roles


@pytest.mark.parametrize("kind", ["custom.dump", "plain.sql"])
def test_missing_roles_are_named_in_the_preview_with_the_ways_out(dumped: Dumped, kind: str) -> None:
    found = refused(dumped, dumped.dump(kind, *(["-Fc"] if "custom" in kind else [])))
    assert found.name == "roles-missing"
    assert "reader (of" in found.what
    assert "app" not in found.what.split(":")[1], "the application's role is made by us"
    for way in ("--create-roles", "--map-role", "--no-owner"):
        assert way in found.cure


@pytest.mark.parametrize("kind", ["custom.dump", "plain.sql"])
def test_a_role_is_put_in_the_place_of_another(dumped: Dumped, restore: Restore, kind: str) -> None:
    dump = dumped.dump(kind, *(["-Fc"] if "custom" in kind else []))
    state = restore(dump, create_roles=False, roles={"reader": "app"})
    url = superuser(state)
    assert one(url, "SELECT pg_has_role('app', 'reader', 'usage')") is True
    assert one(url, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'reader'") is False


@pytest.mark.slow
def test_everything_can_belong_to_one_role(dumped: Dumped, restore: Restore) -> None:
    owners = "SELECT string_agg(DISTINCT tableowner, ',') FROM pg_tables WHERE schemaname = 'shop'"
    for kind, options in (("custom.dump", ["-Fc"]), ("plain.sql", [])):
        state = restore(dumped.dump(kind, *options), no_owner=True, role="team", create_roles=True)
        assert one(superuser(state), owners) == "team"
        assert one(superuser(state), "SELECT rolsuper FROM pg_roles WHERE rolname = 'team'") is False
        owner = "SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()"
        assert one(superuser(state), owner) == "team"
        Instance().delete(dumped.context("r"), state["directory"], state)


GIVES = "CREATE FUNCTION give() RETURNS void LANGUAGE sql AS 'SELECT 1;\n\nALTER TABLE t OWNER TO app;\n'"


@pytest.mark.slow
def test_without_owners_a_function_keeps_all_of_its_body(dumped: Dumped, restore: Restore) -> None:
    server, path = dumped.server, dumped.place / "gives.sql"
    server.execute("CREATE DATABASE gives TEMPLATE template0")
    server.execute(f"CREATE TABLE t (); {GIVES}; ALTER FUNCTION give() OWNER TO app", "gives")
    run([str(postgres_tool("pg_dump", server.major)), "-f", str(path), "-d", server.url("gives")])
    server.execute("DROP DATABASE gives")
    state = restore(path, no_owner=True, role="team", create_roles=True)
    body = "SELECT prosrc FROM pg_proc WHERE proname = 'give'"
    assert one(superuser(state), body) == "SELECT 1;\n\nALTER TABLE t OWNER TO app;\n"
    owner = "SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'give'"
    assert one(superuser(state), owner) == "team"


def test_a_setting_that_is_unknown_takes_no_other_along(dumped: Dumped) -> None:
    settings = """
        -- Name: d; Type: DATABASE PROPERTIES; Schema: -; Owner: o'neill
\\connect d;
        COMMENT ON DATABASE d IS 'kept;
-- as it is
\\too
ALTER DATABASE is not one';
        ALTER DATABASE d SET search_path TO 'a;b', public;
        ALTER DATABASE d SET operator_precedence_warning TO 'on';
        ALTER DATABASE d SET app.quote TO E'it\\\\''s; so';
    """
    dumped.server.execute("CREATE DATABASE settled")
    entry = Entry(1, "DATABASE PROPERTIES", "", "d", sql=settings)
    [found] = properties([entry], Target.of_url(dumped.server.url("settled"), find_binaries()))
    kept = dumped.server.execute("SELECT setconfig FROM pg_db_role_setting", "settled")
    said = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'settled'"
    [[comment]] = dumped.server.execute(said)
    dumped.server.execute("DROP DATABASE settled")
    assert comment == "kept;\n-- as it is\n\\too\nALTER DATABASE is not one"
    assert (found.grade, found.label) == ("lossy", "DATABASE PROPERTIES d")
    assert "operator_precedence_warning" in found.said
    assert ['search_path="a;b", public', "app.quote=it\\'s; so"] in [row[0] for row in kept]


# A part of it


def test_a_table_comes_with_all_that_hangs_on_it_and_nothing_else(dumped: Dumped, restore: Restore) -> None:
    state = restore(dumped.dump("custom.dump", "-Fc"), tables=["shop.Odd orders"])
    url = superuser(state)
    assert one(url, 'SELECT count(*) FROM shop."Odd orders"') == ROWS
    assert one(url, "SELECT to_regclass('shop.users')") is None
    assert one(url, "SELECT count(*) FROM pg_indexes WHERE schemaname = 'shop'") == 2
    assert one(url, "SELECT nextval('shop.\"Odd orders_id_seq\"')") == ROWS + 1
    assert any("left out" in line and "Odd orders_user_fkey" in line for line in dumped.lines)


def test_a_partitioned_table_comes_with_its_partitions(dumped: Dumped, restore: Restore) -> None:
    state = restore(dumped.dump("directory.dump", "-Fd"), tables=["events"])
    assert one(superuser(state), "SELECT count(*) FROM shop.events") == ROWS
    assert one(superuser(state), "SELECT count(*) FROM pg_indexes WHERE tablename LIKE 'events%'") == 3


def test_a_schema_comes_alone(dumped: Dumped, restore: Restore) -> None:
    state = restore(dumped.dump("custom.dump", "-Fc"), schemas=["shop"])
    same = ["--schema=shop"]
    found, wanted = (dumped.text(url, *same).splitlines() for url in (superuser(state), None))
    assert sorted(found) == sorted(wanted)
    assert one(superuser(state), "SELECT to_regclass('public.scratch')") is None


def test_what_is_not_in_the_dump_is_named(dumped: Dumped) -> None:
    dump = dumped.dump("custom.dump", "-Fc")
    assert "has no table shop.nothing" in refused(dumped, dump, tables=["shop.nothing"]).what
    assert "has no schema nothing" in refused(dumped, dump, schemas=["nothing"]).what
    assert refused(dumped, dumped.dump("plain.sql"), tables=["users"]).name == "plain-dump-whole"


# Damage, versions, what is missing


def test_a_dump_that_is_not_there_or_none_is_named(dumped: Dumped) -> None:
    assert refused(dumped, dumped.place / "nothing").name == "dump-missing"
    other = dumped.place / "other"
    other.write_bytes(b"\0\1\2\3" * 200)
    assert refused(dumped, other).name == "dump-unknown"
    other.write_bytes(b"")
    assert refused(dumped, other).name == "dump-truncated"
    assert refused(dumped, folder(dumped.place / "empty")).name == "dump-unknown"


@pytest.mark.parametrize("key", ["", "\\restrict a\n\\unrestrict a\n"])
def test_a_script_runs_no_program_by_psql(dumped: Dumped, restore: Restore, key: str) -> None:
    script, witness = dumped.copy(dumped.dump("plain.sql"), "hostile.sql"), dumped.place / "ran"
    text = re.sub(r"^\\(un)?restrict .*\n", "", script.read_text(), flags=re.MULTILINE)
    script.write_text(text.replace("SET row_security", f"{key}\\! touch {witness}\nSET row_security", 1))
    with pytest.raises(Problem, match="backslash commands are restricted") as failed:
        restore(script)
    assert failed.value.name == "restore-incomplete"
    assert not witness.exists()


@pytest.mark.parametrize("kind", ["custom", "custom, not compressed", "tar", "plain"])
@pytest.mark.parametrize("share", [0.02, 0.6, 0.999])
def test_a_dump_that_ends_too_soon_is_refused_in_the_preview(dumped: Dumped, kind: str, share: float) -> None:
    whole = dumped.dump(f"{kind}.dump", *FORMATS[kind])
    cut = dumped.copy(whole, "cut")
    size = whole.stat().st_size - (20480 if kind == "tar" else 0)  # restore.sql and zeros end a tar
    os.truncate(cut, int(size * share))
    assert refused(dumped, cut, create_roles=True).name in ("dump-truncated", "dump-unreadable")


@pytest.mark.parametrize("how", ["gz", "lz4", "zst"])
def test_a_compressed_script_that_ends_too_soon_is_refused_in_the_preview(dumped: Dumped, how: str) -> None:
    whole = dumped.packed(dumped.dump("plain.sql"), how)
    cut = dumped.copy(whole, "cut")
    os.truncate(cut, whole.stat().st_size - 40)
    assert refused(dumped, cut, create_roles=True).name in (
        "dump-truncated",
        "dump-damaged",
        "dump-unreadable",
    )


def test_a_file_that_a_directory_lacks_is_named_with_its_table(dumped: Dumped, tmp_path: Path) -> None:
    copy = dumped.copy(dumped.dump("directory.dump", "-Fd"), "lacking")
    largest = max(copy.glob("*.dat.gz"), key=lambda path: path.stat().st_size)
    whole = largest.read_bytes()
    largest.unlink()
    found = refused(dumped, copy, create_roles=True)
    assert found.name == "dump-truncated"
    assert "TABLE DATA shop." in found.what
    largest.write_bytes(whole[:-50])
    assert failed(dumped, copy).name == "dump-truncated"
    largest.write_bytes(whole[:200] + bytes(50) + whole[250:])
    assert failed(dumped, copy).name == "dump-damaged"


def test_a_dump_of_a_newer_server_names_the_version_that_it_needs(dumped: Dumped) -> None:
    text = dumped.dump("plain.sql").read_text()
    newer = dumped.place / "newer.sql"
    newer.write_text(text.replace("-- Dumped from database version ", "-- Dumped from database version 99."))
    found = refused(dumped, newer, create_roles=True)
    assert found.name == "dump-newer"
    assert "needs PostgreSQL 99 or newer" in found.what


def test_an_extension_that_is_not_here_is_named_in_the_preview(dumped: Dumped) -> None:
    text = dumped.dump("plain.sql").read_text()
    wanting = dumped.place / "wanting.sql"
    title = "--\n-- Name: postgis; Type: EXTENSION; Schema: -; Owner: -\n--\n\n"
    statement = "CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA public;\n\n\n"
    first = text.index("--\n-- Name:")
    wanting.write_text(text[:first] + title + statement + text[first:])
    found = refused(dumped, wanting, create_roles=True)
    assert found.name == "extensions-missing"
    assert "postgis" in found.what


def test_a_locale_that_is_not_here_is_named_and_can_be_replaced(dumped: Dumped, restore: Restore) -> None:
    text = dumped.dump("create.sql", "-C").read_text()
    foreign = dumped.place / "foreign.sql"
    foreign.write_text(text.replace("LOCALE = 'C.UTF-8'", "LOCALE = 'xx_YY.UTF-8'"))
    assert refused(dumped, foreign, create_roles=True).name == "locale-missing"
    state = restore(foreign, locale="C.UTF-8")
    assert one(superuser(state), "SELECT count(*) FROM shop.users") == ROWS


def test_a_cluster_without_checksums_and_another_database_name(dumped: Dumped, restore: Restore) -> None:
    state = restore(dumped.dump("custom.dump", "-Fc"), database="postgres", checksums=False)
    assert f"The dump is of the database {DATABASE}; what it holds is loaded into postgres." in dumped.lines
    assert one(superuser(state, "postgres"), "SHOW data_checksums") == "off"
    assert one(superuser(state, "postgres"), "SHOW work_mem") == "5MB", "a setting of the database"
    assert one(superuser(state, "postgres"), "SELECT count(*) FROM shop.users") == ROWS


def test_a_constraint_that_does_not_hold_fails_the_restore_by_name(dumped: Dumped) -> None:
    text = dumped.dump("plain.sql").read_text()
    broken = dumped.place / "broken.sql"
    rows = text.index("COPY shop.users")
    broken.write_text(text[:rows] + text[rows:].replace("\n7\tuser 7\n", "\n6\tuser 7\n", 1))
    found = failed(dumped, broken)
    assert found.name == "restore-incomplete"
    assert "fatal: CONSTRAINT shop.users users_pkey: could not create unique index" in found.what


TENANTS = """
    SET app.tenants = '9';
    CREATE TABLE tenants (i int CHECK (i <= current_setting('app.tenants')::int));
    INSERT INTO tenants VALUES (1);
"""
SEEN = """
    SET app.tenants = '9';
    CREATE MATERIALIZED VIEW seen AS SELECT current_setting('app.tenants');
"""


@pytest.mark.parametrize("options", [["-Fc"], ["-Fp"]], ids=["custom", "plain"])
@pytest.mark.parametrize(
    ("schema", "label"),
    [(TENANTS, "fatal: TABLE DATA public.tenants"), (SEEN, "lossy: MATERIALIZED VIEW DATA public.seen")],
    ids=["rows", "view"],
)
def test_what_stays_empty_for_want_of_a_setting_is_never_harmless(
    dumped: Dumped, schema: str, label: str, options: list[str]
) -> None:
    server, path = dumped.server, dumped.place / f"setting-{len(schema)}{options[0]}"
    server.execute("CREATE DATABASE asks TEMPLATE template0")
    server.execute(schema, "asks")
    run([str(postgres_tool("pg_dump", server.major)), *options, "-f", str(path), "-d", server.url("asks")])
    server.execute("DROP DATABASE asks")
    found = failed(dumped, path)
    assert found.name == "restore-incomplete"
    assert label in found.what


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("major", sorted({one.major for one in installations()}))
def test_what_pg_restore_complains_of_has_the_objects_name(major: int, jobs: int) -> None:
    with scratch() as place, Postgres(place / "pg", major=major) as server:
        server.execute("CREATE ROLE gone")
        server.execute("CREATE DATABASE d")
        granted = "GRANT SELECT ON t TO gone; GRANT INSERT ON t TO gone WITH GRANT OPTION"
        server.execute(
            f"CREATE TABLE t (i int); CREATE TABLE u (i int); ALTER TABLE u OWNER TO gone; {granted}", "d"
        )
        tool = str(postgres_tool("pg_dump", major))
        run([tool, "-Fc", "-f", str(place / "pg" / "dump"), "-d", server.url("d")])
        for statement in ("DROP DATABASE d", "DROP ROLE gone", "CREATE DATABASE d"):
            server.execute(statement)
        dump = archive_of(place / "pg" / "dump", "custom")
        target = Target.of_url(server.url("d"), find_binaries(major))
        found = restore_entries(dump, target, dump.entries, Options(jobs=jobs), Context("urn"))
    assert {(one.grade, one.label) for one in found} == {
        ("lossy", "ACL public.TABLE t"),
        ("lossy", "TABLE public.u"),
    }


def test_a_loss_is_accepted_by_name_only(dumped: Dumped, restore: Restore) -> None:
    text = dumped.dump("plain.sql").read_text()
    lossy = dumped.place / "lossy.sql"
    lossy.write_text(text.replace("GRANT SELECT ON TABLE shop.users", "GRANT SELECTED ON TABLE shop.users"))
    found = failed(dumped, lossy)
    assert found.name == "restore-incomplete"
    assert found.cure.endswith("by the same command with --accept 'ACL shop.TABLE users'")
    state = restore(lossy, accept=["ACL shop.TABLE users"])
    assert state["complaints"]["lossy"] == 1
    assert state["lost"][0].startswith("lossy: ACL shop.TABLE users: ")
    assert f"Accepted, and not in the restore:\n{state['lost'][0]}" in dumped.lines


# Interrupted and killed


@pytest.mark.parametrize(
    "moment",
    mostly_slow(
        {"loading data"}, ["making an empty cluster", "making", "loading data", "building", "writing"]
    ),
)
def test_a_killed_load_is_made_anew_by_the_next_one(dumped: Dumped, moment: str) -> None:
    """The plugin is killed outright at a moment of its work; a new one is asked to create again."""
    inputs = dumped.inputs("killed", dumped.dump("custom.dump", "-Fc"), create_roles=True)
    context = dumped.context("killed")
    script = (
        "import json, os, signal, sys\n"
        "from dbrestore.handler import Context\n"
        "from dbrestore.postgres.instance import Instance\n"
        "def tell(text):\n"
        "    if text.startswith(sys.argv[1]): os.kill(os.getpid(), signal.SIGKILL)\n"
        "inputs = Instance.inputs.model_validate(json.loads(sys.argv[3]))\n"
        "Instance().create(Context(sys.argv[2], tell), inputs)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, moment, context.urn, json.dumps(inputs.wire())])
    assert ran.returncode == -signal.SIGKILL
    mark = read_mark(inputs.directory)
    assert mark is not None
    assert mark.phase == "loading"
    identity, state = Instance().create(context, inputs)
    assert dumped.text(superuser(state)) == dumped.text()
    Instance().delete(context, identity, state)
    assert not inputs.directory.exists()


@pytest.mark.parametrize(
    "moment", mostly_slow({"building"}, ["making ", "loading data", "building", "comparing"])
)
def test_an_interrupted_load_leaves_nothing(dumped: Dumped, moment: str) -> None:
    inputs = dumped.inputs("stopped", dumped.dump("custom.dump", "-Fc"), create_roles=True)
    context = dumped.context("stopped")

    def stop(text: str) -> None:
        if text.startswith(moment):
            context.cancelled.set()

    with pytest.raises(Problem) as caught:
        Instance().create(replace(context, progress=stop), inputs)
    assert caught.value.name == "interrupted"
    assert "starts the load anew" in caught.value.cure
    assert not dumped.restores.exists()


def test_another_dump_is_never_put_over_a_finished_restore(dumped: Dumped, restore: Restore) -> None:
    restore(dumped.dump("custom.dump", "-Fc"))
    other = dumped.inputs("r", dumped.dump("tar.dump", "-Ft"), create_roles=True)
    with pytest.raises(Refusal, match="holds a finished restore to dump"):
        Instance().create(dumped.context("r"), other)


def test_nobody_gets_in_by_tcp_while_it_is_loaded(dumped: Dumped) -> None:
    inputs = dumped.inputs("heard", dumped.dump("custom.dump", "-Fc"), create_roles=True)
    context, heard = dumped.context("heard"), list[str]()

    def listen(text: str) -> None:
        mark = read_mark(inputs.directory)
        if text.startswith("loading data") and mark:
            with pytest.raises(psycopg.OperationalError) as turned_away:
                application({"boundPort": mark.port})
            heard.append(str(turned_away.value))

    identity, state = Instance().create(replace(context, progress=listen), inputs)
    Instance().delete(context, identity, state)
    assert heard
    assert all("no pg_hba.conf entry" in one for one in heard)


# Another major version, an object store, a database of somebody else


@pytest.mark.slow
@pytest.mark.parametrize("options", [["-Fc"], ["-Fd", "-Z3"], ["-Ft"], []])
def test_a_dump_of_another_major_version_gets_a_server_of_that_version(options: list[str]) -> None:
    if 16 not in {one.major for one in installations()}:
        pytest.skip("PostgreSQL 16 is not on this machine")
    with scratch() as place, Postgres(folder(place / "pg"), major=16) as server:
        other = Dumped.make(server, place / "dumps")
        inputs = other.inputs("r", other.dump("dump", *options), create_roles=True)
        identity, state = Instance().create(other.context("r"), inputs)
        assert state["postgresVersion"].startswith("16.")
        assert other.text(superuser(state)) == other.text()
        Instance().delete(other.context("r"), identity, state)


def test_a_dump_is_brought_out_of_an_object_store_and_not_kept(dumped: Dumped) -> None:
    with s3(folder(dumped.place / "s3")) as bucket:
        bucket.put(f"{bucket.url}/site/app.dump", dumped.dump("custom.dump", "-Fc").read_bytes())
        options = {
            "source": {"storage": {"endpointUrl": bucket.options["endpoint_url"]}},
            "create_roles": True,
        }
        url = f"{bucket.url}/site/app.dump"
        assert refused(dumped, url, **options | {"create_roles": False}).name == "roles-missing"
        assert refused(dumped, f"{bucket.url}/site/other.dump", **options).name == "dump-missing"
        inputs, context = dumped.inputs("r", url, **options), dumped.context("r")
        Instance().examine(context, inputs)
        identity, state = Instance().create(context, inputs)
    assert dumped.text(superuser(state)) == dumped.text()
    assert state["backup"] == url
    assert not (Path(identity) / "reforge-dump").exists()
    Instance().delete(context, identity, state)


@pytest.mark.parametrize(("name", "options"), [("there", ["-Fd"]), ("there.sql", [])])
def test_a_dump_is_peeked_at_where_it_lies(dumped: Dumped, name: str, options: list[str]) -> None:
    dump = dumped.dump(name, *options)
    with s3(folder(dumped.place / "s3")) as bucket:
        if dump.is_dir():
            url = bucket.fill(dump, "site/there")
        else:
            url = f"{bucket.url}/site/there.sql"
            bucket.put(url, dump.read_bytes())
        peeked = Store(url, bucket.options).peek()
        fetched = Store(url, bucket.options).fetch(dumped.place / f"fetched-{name}", dumped.context("r"))
    assert str(peeked.header.major) == str(dumped.server.execute("SHOW server_version_num")[0][0])[:2]
    assert peeked.size == sum(path.stat().st_size for path in (dump.iterdir() if dump.is_dir() else [dump]))
    assert open_dump(fetched, dumped.context("r")).entries


def test_a_dump_is_loaded_into_an_empty_database_of_somebody_else_and_into_no_other(dumped: Dumped) -> None:
    dumped.server.execute("CREATE DATABASE elsewhere TEMPLATE template0")
    target = Target.of_url(dumped.server.url("elsewhere"), find_binaries())
    dump = open_dump(dumped.dump("custom.dump", "-Fc"), dumped.context("r"))
    found = load(dump, dump.entries, target, Options(jobs=2), dumped.context("r"))
    assert found.rows["TABLE DATA shop.users"] == ROWS
    here = f"host=127.0.0.1 port={dumped.server.port} user=postgres dbname=elsewhere"
    assert dumped.text(here) == dumped.text()
    with pytest.raises(Refusal) as caught:
        load(dump, dump.entries, target, Options(), dumped.context("r"))
    assert caught.value.name == "target-not-empty"
    assert "large object" in caught.value.what
    assert " more." in caught.value.what
