"""Dumps loaded into a server that somebody keeps: nobody is superuser there, and any moment may kill."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dbrestore.handler import Context, State
from dbrestore.loading import loading
from dbrestore.loading.inputs import Loading
from dbrestore.loading.load import Load
from dbrestore.loading.loading import load_dump
from problem import Problem
from tests.support.buckets import s3
from tests.support.dumps import DATABASE, PASSWORD, ROWS, Dumped
from tests.support.managed import Managed
from tests.support.servers import Postgres, folder, scratch

URN = "urn:pulumi:test::reforge::dbrestore:loading:Load::r-load"


@pytest.fixture(scope="module")
def dumped() -> Iterator[Dumped]:
    with scratch() as place, Postgres(folder(place / "pg")) as server:
        yield Dumped.make(server, place / "dumps")


def said(cloud: Managed, dump: Path | str, **options: Any) -> Loading:
    given = {"name": "r", "place": str(dump), "url": cloud.url(DATABASE), "user": "app", "password": PASSWORD}
    return Loading.model_validate(given | {"create_roles": True} | options)


def context(lines: list[str] | None = None) -> Context:
    found = [] if lines is None else lines
    return Context(URN, found.append, note=found.append)


def loaded(cloud: Managed, dump: Path | str, **options: Any) -> State:
    return load_dump(said(cloud, dump, **options), context())


def failed(cloud: Managed, dump: Path | str, **options: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        loaded(cloud, dump, **options)
    return caught.value


def rows(cloud: Managed, query: str) -> Any:
    """As the application sees it."""
    with psycopg.connect(cloud.url(DATABASE, "app", PASSWORD)) as connection:
        return connection.execute(query.encode()).fetchall()


def text(dumped: Dumped, conninfo: str | None = None) -> str:
    """A database as pg_dump writes it, without what a copy is not given."""
    found = re.sub(r"^(CREATE|ALTER) SUBSCRIPTION [^;]*;$", "", dumped.text(conninfo), flags=re.MULTILINE)
    return "\n".join(line for line in found.splitlines() if line and not line.startswith("--"))


def restored(cloud: Managed) -> str:
    return cloud.keeps(DATABASE)


def databases(cloud: Managed) -> list[str]:
    with psycopg.connect(cloud.url("postgres")) as connection:
        found = connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate").fetchall()
    return sorted(str(row[0]) for row in found)


@pytest.mark.parametrize(
    "options", [["-Fc"], ["-Fd"], ["-Ft"], []], ids=["custom", "directory", "tar", "plain"]
)
def test_everything_arrives_with_its_owners_though_nobody_is_superuser(
    dumped: Dumped, cloud: Managed, options: list[str]
) -> None:
    lines: list[str] = []
    dump = dumped.dump("all" + "".join(options), *options)
    state = load_dump(said(cloud, dump), context(lines))
    assert state["status"] == "loaded"
    assert state["loadedRows"] >= 3 * ROWS
    assert state["complaints"]["fatal"] == 0
    assert text(dumped, restored(cloud)) == text(dumped)
    assert state["left"] == [
        "SUBSCRIPTION fed: would take changes in a copy: make it anew after the cut-over"
    ]
    assert f"left out: {state['left'][0]}" in lines


def test_the_application_enters_with_its_own_password_and_no_more_rights(
    dumped: Dumped, cloud: Managed
) -> None:
    loaded(cloud, dumped.dump("all-Fc", "-Fc"))
    [(strong, members)] = rows(
        cloud, "SELECT rolsuper OR rolcreaterole, pg_has_role('rds_superuser', 'MEMBER') FROM pg_roles"
        " WHERE rolname = current_user"
    )  # fmt: skip
    assert (strong, members) == (False, False)
    assert rows(cloud, "SELECT count(*) FROM shop.users") == [(ROWS,)]


def test_a_second_run_does_nothing_though_the_dump_is_gone(dumped: Dumped, cloud: Managed) -> None:
    loaded(cloud, dumped.dump("all-Fc", "-Fc"))
    with psycopg.connect(cloud.url(DATABASE, "app", PASSWORD)) as connection:
        connection.execute('DELETE FROM shop."Odd orders"')
    given = said(cloud, dumped.dump("all-Fc", "-Fc"))
    identity, state = Load().create(context(), given.model_copy())
    assert (identity, state["status"]) == ("r", "loaded")
    assert rows(cloud, 'SELECT count(*) FROM shop."Odd orders"') == [(0,)]
    assert Load().update(context(), identity, state, given)["status"] == "loaded"
    Load().delete(context(), identity, state)
    assert rows(cloud, "SELECT count(*) FROM shop.users") == [(ROWS,)], "it is forgotten, never removed"


@pytest.mark.parametrize(
    "moment",
    [
        "loading data",
        *(
            pytest.param(one, marks=pytest.mark.slow)
            for one in ("making ", "building", "comparing", "analysing")
        ),
    ],
)
def test_a_killed_load_is_begun_anew_by_the_next_one(dumped: Dumped, cloud: Managed, moment: str) -> None:
    given = said(cloud, dumped.dump("all-Fc", "-Fc"), roles={"reader": "guest"}, create_roles=False)
    cloud.keep("CREATE ROLE guest; GRANT guest TO postgres")
    program = (
        "import json, os, signal, sys\n"
        "from dbrestore.handler import Context\n"
        "from dbrestore.loading.inputs import Loading\n"
        "from dbrestore.loading.loading import load_dump\n"
        "def tell(text):\n"
        "    if text.startswith(sys.argv[1]): os.kill(os.getpid(), signal.SIGKILL)\n"
        "load_dump(Loading.model_validate(json.loads(sys.stdin.read())), Context('urn', tell))\n"
    )
    words = [sys.executable, "-c", program, moment]
    ran = subprocess.run(
        words, input=json.dumps(given.wire()), text=True, capture_output=True, cwd=os.getcwd()
    )
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    lines: list[str] = []
    state = load_dump(given, context(lines))
    assert "clearing half a load of an earlier run" in lines
    assert state["loadedRows"] >= 3 * ROWS
    with psycopg.connect(restored(cloud)) as connection:
        found = connection.execute("SELECT pg_has_role('guest', 'reader', 'MEMBER')").fetchone()
    assert found == (True,), "who takes the place of a role has its rights"


def test_two_dumps_have_the_same_role_replaced_though_one_load_is_cut_off(
    dumped: Dumped, cloud: Managed
) -> None:
    cloud.keep("CREATE ROLE guest; GRANT guest TO postgres")
    dump, replacing = dumped.dump("all-Fc", "-Fc"), {"roles": {"reader": "guest"}, "create_roles": False}
    loaded(cloud, dump, **replacing)
    second, here = said(cloud, dump, url=cloud.url("second"), **replacing), context()
    with pytest.raises(Problem, match="starts the load anew"):
        load_dump(second, replace(here, progress=lambda text: _stop_at("loading data", text, here)))
    assert load_dump(second, context())["status"] == "loaded"
    assert text(dumped, cloud.keeps("second")) == text(dumped) == text(dumped, restored(cloud))


def test_a_role_that_the_server_has_is_not_replaced(dumped: Dumped, cloud: Managed) -> None:
    cloud.keep("CREATE ROLE guest; CREATE ROLE reader; GRANT guest, reader TO postgres")
    found = failed(cloud, dumped.dump("all-Fc", "-Fc"), roles={"reader": "guest"})
    assert found.name == "role-there"
    assert "of reader, a role that the server has" in found.what
    assert "--role guest" in found.cure


def _stop_at(moment: str, text: str, here: Context) -> None:
    if text.startswith(moment):
        here.cancelled.set()


def test_an_interrupted_load_says_so_and_the_next_one_is_whole(dumped: Dumped, cloud: Managed) -> None:
    given, here = said(cloud, dumped.dump("all-Fc", "-Fc")), context()
    with pytest.raises(Problem, match="starts the load anew") as caught:
        load_dump(given, replace(here, progress=lambda text: _stop_at("loading data", text, here)))
    assert caught.value.name == "interrupted"
    assert load_dump(given, context())["status"] == "loaded"


def test_another_dump_is_never_loaded_over_one(dumped: Dumped, cloud: Managed) -> None:
    loaded(cloud, dumped.dump("all-Fc", "-Fc"))
    assert failed(cloud, dumped.dump("all-Ft", "-Ft")).name == "another-restore"


def test_a_database_of_somebody_else_is_never_loaded_over(dumped: Dumped, cloud: Managed) -> None:
    with psycopg.connect(cloud.url("postgres"), autocommit=True) as connection:
        connection.execute('CREATE DATABASE "Star ""Forge"""')
    with psycopg.connect(cloud.url(DATABASE), autocommit=True) as connection:
        connection.execute("CREATE TABLE theirs (a int)")
    problem = failed(cloud, dumped.dump("all-Fc", "-Fc"))
    assert problem.name == "target-not-empty"
    assert "theirs" in problem.what
    with psycopg.connect(cloud.url(DATABASE), autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM theirs").fetchone() == (0,)


def test_an_empty_database_that_is_there_is_taken(dumped: Dumped, cloud: Managed) -> None:
    with psycopg.connect(cloud.url("postgres"), autocommit=True) as connection:
        connection.execute('CREATE DATABASE "Star ""Forge"""')
    assert loaded(cloud, dumped.dump("all-Fc", "-Fc"))["status"] == "loaded"


def test_missing_roles_are_named_and_nothing_is_made(dumped: Dumped, cloud: Managed) -> None:
    problem = failed(cloud, dumped.dump("all-Fc", "-Fc"), create_roles=False)
    assert problem.name == "roles-missing"
    assert "reader" in problem.what


def test_what_cannot_be_carried_is_named_before_the_data_and_may_be_accepted(
    dumped: Dumped, cloud: Managed
) -> None:
    dumped.execute(
        "CREATE ROLE keeper; CREATE TABLE shop.kept (a int); ALTER TABLE shop.kept OWNER TO keeper"
    )
    cloud.keep("CREATE ROLE keeper")  # a role that is there, and that no user of the cloud can get into
    lines: list[str] = []
    try:
        dump = dumped.dump("owned", "-Fc")
        with pytest.raises(Problem) as caught:
            load_dump(said(cloud, dump), context(lines))
        assert caught.value.name == "restore-incomplete"
        assert "TABLE shop.kept: its owner keeper is a role that the load has no part in" in caught.value.what
        assert not [line for line in lines if line.startswith("loading data")]
        state = loaded(cloud, dump, accept=["TABLE shop.kept"])
        assert [one for one in state["lost"] if "shop.kept" in one]
    finally:
        dumped.execute("DROP TABLE shop.kept; DROP ROLE keeper")


def test_an_event_trigger_needs_who_may_make_one(dumped: Dumped, cloud: Managed) -> None:
    dumped.execute(
        "CREATE FUNCTION shop.seen() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE EVENT TRIGGER audit ON ddl_command_end EXECUTE FUNCTION shop.seen()"
    )
    cloud.keep("REVOKE rds_superuser FROM postgres")
    try:
        dump = dumped.dump("watched", "-Fc")
        problem = failed(cloud, dump)
        assert "EVENT TRIGGER audit: needs a superuser" in problem.what
        assert "--accept 'EVENT TRIGGER audit'" in problem.cure
        assert databases(cloud) == ["postgres"], "nothing was made"
        assert loaded(cloud, dump, accept=["EVENT TRIGGER audit"])["status"] == "loaded"
    finally:
        cloud.keep("GRANT rds_superuser TO postgres")
        dumped.execute("DROP EVENT TRIGGER audit; DROP FUNCTION shop.seen")


def test_an_extension_that_the_server_lacks_is_named_and_may_be_left_out(
    dumped: Dumped, cloud: Managed, tmp_path: Path
) -> None:
    plain = dumped.dump("all", *[]).read_text()
    made = "--\n-- Name: timescaledb; Type: EXTENSION; Schema: -; Owner: -\n--\n\n"
    made += "CREATE EXTENSION IF NOT EXISTS timescaledb WITH SCHEMA public;\n\n\n"
    at = plain.index("--\n-- Name: shop; Type: SCHEMA")
    dump = tmp_path / "extended.sql"
    dump.write_text(plain[:at] + made + plain[at:])
    problem = failed(cloud, dump)
    assert "EXTENSION timescaledb: the server does not have it" in problem.what
    assert databases(cloud) == ["postgres"]
    assert loaded(cloud, dump, accept=["EXTENSION timescaledb"])["status"] == "loaded"


def test_jobs_that_would_run_in_the_copy_are_left_out(dumped: Dumped, cloud: Managed) -> None:
    dumped.execute("CREATE SCHEMA cron; CREATE TABLE cron.job (a int); INSERT INTO cron.job VALUES (1)")
    try:
        state = loaded(cloud, dumped.dump("scheduled", "-Fc"))
        left = "TABLE DATA cron.job: jobs would run in a copy as well: schedule them anew after the cut-over"
        assert left in state["left"]
        with psycopg.connect(restored(cloud)) as connection:
            assert connection.execute("SELECT count(*) FROM cron.job").fetchone() == (0,)
    finally:
        dumped.execute("DROP SCHEMA cron CASCADE")


def test_a_locale_that_the_server_lacks_is_refused_and_another_may_be_named(
    dumped: Dumped, cloud: Managed, tmp_path: Path
) -> None:
    dump = dumped.dump("all-Fc", "-Fc")
    problem = failed(cloud, dump, locale="xx_XX.UTF-8")
    assert problem.name == "locale-missing"
    assert "--locale" in problem.cure
    assert loaded(cloud, dump, locale="C.UTF-8")["status"] == "loaded"


def test_a_comment_of_the_databases_own_stays_beside_our_mark(dumped: Dumped, cloud: Managed) -> None:
    dumped.execute('COMMENT ON DATABASE "Star ""Forge""" IS \'the smithy\'')
    try:
        loaded(cloud, dumped.dump("commented", "-Fc"))
        query = (
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        )
        [(comment,)] = rows(cloud, query)
        assert re.fullmatch(r"the smithy\nreforge r [0-9a-f]{8}: loaded", comment)
    finally:
        dumped.execute('COMMENT ON DATABASE "Star ""Forge""" IS NULL')


def test_a_server_that_lets_nobody_in_is_given_up_with_a_name(
    dumped: Dumped, cloud: Managed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "ENTRY_SECONDS", 1.0)
    url = cloud.url(DATABASE, password="wrong")
    problem = failed(cloud, dumped.dump("all-Fc", "-Fc"), url=url)
    assert problem.name == "load-no-entry"
    assert "wrong" not in problem.message.replace("wrong password", "")


def test_a_dump_is_brought_out_of_an_object_store_and_not_kept(
    dumped: Dumped, cloud: Managed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with s3(folder(dumped.place / "s3")) as bucket:
        bucket.put(f"{bucket.url}/app.dump", dumped.dump("all-Fc", "-Fc").read_bytes())
        state = loaded(cloud, f"{bucket.url}/app.dump", storage=dict(bucket.options))
    assert state["loadedRows"] >= 3 * ROWS
    assert list(tmp_path.iterdir()) == []
