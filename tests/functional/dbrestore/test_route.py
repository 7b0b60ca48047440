"""``pgbouncer:Route`` on real pgbouncers and two real PostgreSQL servers: swaps, refusals, crashes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from dbrestore.handler import Context, PartlyMade
from dbrestore.pgbouncer.fleet import Fleet, listeners
from dbrestore.pgbouncer.guard import Guard
from dbrestore.pgbouncer.route import Route
from dbrestore.pgbouncer.swap import Edit
from problem import Misuse, Problem, Refusal
from stacks.urls import is_postgres
from tests.support.servers import Pgbouncer, Postgres, folder, free_port, scratch, wait_until

ROOT = Path(__file__).parents[3]


@dataclass
class Site:
    """An old and a new server; pgbouncers are each test's own."""

    place: Path
    old: Postgres
    new: Postgres

    @contextmanager
    def pooler(self, name: str = "a", database: str = "app", **settings: str) -> Iterator[Pgbouncer]:
        entry = {database: f"host=127.0.0.1 port={self.old.port} dbname=postgres"}
        with scratch() as place, Pgbouncer(folder(place / name), entry, settings=settings) as pooler:
            yield pooler


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with (
        scratch() as place,
        Postgres(folder(place / "old")) as old,
        Postgres(folder(place / "new")) as new,
    ):
        yield Site(place, old, new)


def declared(server: Postgres, *poolers: Pgbouncer, **more: Any) -> Any:
    values = {
        "database": "app",
        "admins": [pooler.admin_url for pooler in poolers],
        "host": "127.0.0.1",
        "port": server.port,
        "url": server.url(),
    }
    return Route.inputs.model_validate(values | more)


def context() -> Context:
    return Context("urn:pulumi:test::reforge::dbrestore:pgbouncer:Route::app")


def line(pooler: Pgbouncer, database: str = "app") -> dict[str, Any]:
    return next(row for row in pooler.show("DATABASES") if row["name"] == database)


def served_port(pooler: Pgbouncer) -> int:
    """The port of the server that a client reaches."""
    with psycopg.connect(pooler.url("app"), autocommit=True, prepare_threshold=None) as client:
        row = client.execute("SELECT inet_server_port()").fetchone()
        assert row is not None
        return int(row[0])


def assert_serves(pooler: Pgbouncer, server: Postgres) -> None:
    """Nobody is paused, and console, config file and a client all say ``server``."""
    assert (line(pooler)["port"], line(pooler)["paused"]) == (server.port, 0)
    assert f"port={server.port} " in pooler.ini.read_text()
    assert served_port(pooler) == server.port


def assert_nothing_left(pooler: Pgbouncer) -> None:
    assert sorted(path.name for path in pooler.directory.iterdir()) == [
        "log",
        "pgbouncer.ini",
        "userlist.txt",
    ]


@dataclass
class Load:
    """Clients that go on with short transactions through pgbouncer, and what they saw."""

    url: str
    failures: list[str] = field(default_factory=list)
    ports: set[int] = field(default_factory=set)
    longest: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)
    rounds: int = 0

    def run(self) -> None:
        with psycopg.connect(self.url, prepare_threshold=None) as client:
            while not self.ended.is_set():
                start = time.monotonic()
                try:
                    with client.transaction():
                        row = client.execute("SELECT inet_server_port()").fetchone()
                        assert row is not None
                        self.ports.add(row[0])
                except psycopg.Error as error:
                    self.failures.append(str(error))
                self.longest = max(self.longest, time.monotonic() - start)
                self.rounds += 1
                self.ended.wait(0.002)


@contextmanager
def load(pooler: Pgbouncer) -> Iterator[Load]:
    made = Load(pooler.url("app"))
    clients = [threading.Thread(target=made.run) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        wait_until(lambda: made.rounds > 20)
        yield made
        seen = made.rounds
        wait_until(lambda: made.rounds > seen + 20)
    finally:
        made.ended.set()
        for client in clients:
            client.join()


def test_swaps_two_processes_under_load_without_a_failed_query(site: Site) -> None:
    with site.pooler() as one, site.pooler("b") as two, load(one) as first, load(two) as second:
        identity, state = Route().create(context(), declared(site.new, one, two))
        assert_serves(one, site.new)
        assert_serves(two, site.new)
        assert_nothing_left(one)
    assert first.failures == second.failures == []
    assert first.ports == second.ports == {site.old.port, site.new.port}
    assert identity == f"app@127.0.0.1:{one.port},127.0.0.1:{two.port}"
    assert state["previous"] == state["original"]
    assert state["original"] == {"host": "127.0.0.1", "port": site.old.port, "dbname": "postgres"}
    assert 0 < state["stallMs"] < 1000
    assert max(first.longest, second.longest) < 2


def test_swaps_back_and_keeps_the_first_original(site: Site) -> None:
    with site.pooler() as pooler:
        _, state = Route().create(context(), declared(site.old, pooler))
        assert state["stallMs"] == 0
        state = Route().update(context(), "", state, declared(site.new, pooler))
        state = Route().update(context(), "", state, declared(site.old, pooler))
        assert_serves(pooler, site.old)
    assert (state["previous"]["port"], state["original"]["port"]) == (site.new.port, site.old.port)


def test_changes_only_its_words_and_keeps_mode_and_owner(site: Site) -> None:
    with site.pooler() as pooler:
        before, text = pooler.ini.stat(), pooler.ini.read_text()
        Route().create(context(), declared(site.new, pooler))
        after = pooler.ini.stat()
        assert pooler.ini.read_text() == text.replace(str(site.old.port), str(site.new.port))
    assert (before.st_mode, before.st_uid, before.st_gid) == (after.st_mode, after.st_uid, after.st_gid)


def test_pauses_nobody_where_the_route_is_already_there(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any) -> None:
        raise AssertionError("clients were paused")

    with site.pooler() as pooler:
        monkeypatch.setattr(Fleet, "pause", forbidden)
        _, state = Route().create(context(), declared(site.old, pooler, url="postgresql://127.0.0.1:1/x"))
        assert Route().update(context(), "", state, declared(site.old, pooler)) == state | {
            "url": site.old.url()
        }


def test_a_route_somebody_left_paused_is_drift_and_resumed(site: Site) -> None:
    with site.pooler() as pooler:
        _, state = Route().create(context(), declared(site.old, pooler))
        with psycopg.connect(pooler.admin_url, autocommit=True) as console:
            psycopg.ClientCursor(console).execute("PAUSE app")
        seen = Route().read(context(), "", state)
        assert seen is not None
        assert Route().drift(seen, None) == {"paused"}
        state = Route().update(context(), "", seen, declared(site.old, pooler))
        assert Route().drift(state, None) == frozenset()
        assert_serves(pooler, site.old)


def test_read_shows_a_route_changed_by_hand(site: Site) -> None:
    with site.pooler() as pooler:
        _, state = Route().create(context(), declared(site.new, pooler))
        assert Route().read(context(), "", state) == state
        pooler.ini.write_text(pooler.ini.read_text().replace(str(site.new.port), str(site.old.port)))
        with psycopg.connect(pooler.admin_url, autocommit=True) as console:
            psycopg.ClientCursor(console).execute("RELOAD")
        seen = Route().read(context(), "", state)
    assert seen == state | {"port": site.old.port}


def test_import_and_delete_touch_nothing(site: Site) -> None:
    assert Route().read(context(), "app@x", {}) is None
    with site.pooler() as pooler:
        identity, state = Route().create(context(), declared(site.new, pooler))
        Route().delete(context(), identity, state)
        assert_serves(pooler, site.new)


def test_mends_one_process_of_two_that_is_astray(site: Site) -> None:
    with site.pooler() as one, site.pooler("b") as two:
        Route().create(context(), declared(site.new, one))
        _, state = Route().create(context(), declared(site.new, one, two))
        assert_serves(one, site.new)
        assert_serves(two, site.new)
    assert state["previous"]["port"] == site.old.port


def test_takes_config_files_and_another_dbname(site: Site) -> None:
    site.new.execute("DROP DATABASE IF EXISTS other")
    site.new.execute("CREATE DATABASE other")
    with site.pooler() as pooler:
        inputs = declared(site.new, pooler, dbname="other", configFiles=[str(pooler.ini)])
        _, state = Route().create(context(), inputs)
        assert line(pooler)["database"] == "other"
    assert state["dbname"] == "other"


def test_a_session_that_never_ends_is_named_and_the_old_route_serves(site: Site) -> None:
    with (
        site.pooler(pool_mode="session") as pooler,
        psycopg.connect(pooler.url("app"), application_name="nightly-report", autocommit=True) as client,
    ):
        client.execute("SELECT 1")
        start = time.monotonic()
        with pytest.raises(Problem, match="nightly-report") as caught:
            Route().create(context(), declared(site.new, pooler, timeouts={"pause": 0.5}))
        assert time.monotonic() - start < 5
        assert caught.value.name == "pause-timed-out"
        assert "127.0.0.1" in caught.value.what
        assert client.execute("SELECT inet_server_port()").fetchone() == (site.old.port,)
        assert_serves(pooler, site.old)
        assert_nothing_left(pooler)


def test_an_interrupt_ends_the_wait_at_once(site: Site) -> None:
    with (
        site.pooler(pool_mode="session") as pooler,
        psycopg.connect(pooler.url("app"), autocommit=True) as client,
    ):
        client.execute("SELECT 1")
        interrupted = context()
        raised: list[Problem] = []

        def swap() -> None:
            try:
                Route().create(interrupted, declared(site.new, pooler, timeouts={"pause": 60}))
            except Problem as problem:
                raised.append(problem)

        thread = threading.Thread(target=swap)
        thread.start()
        wait_until(lambda: line(pooler)["paused"])
        interrupted.cancelled.set()
        thread.join(15)
        assert [problem.name for problem in raised] == ["interrupted"]
        assert_serves(pooler, site.old)


def test_a_config_that_pgbouncer_refuses_is_put_back(site: Site) -> None:
    with site.pooler() as pooler:
        pooler.ini.write_text("this is no setting\n" + pooler.ini.read_text())
        text = pooler.ini.read_text()
        with pytest.raises(Problem, match="RELOAD") as caught:
            Route().create(context(), declared(site.new, pooler))
        assert caught.value.name == "swap-not-taken"
        assert pooler.ini.read_text() == text
        assert_serves(pooler, site.old)


def test_an_edit_by_somebody_else_during_the_swap_is_not_overwritten(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site.pooler() as pooler:
        pause = Fleet.pause

        def edit_meanwhile(self: Fleet, *arguments: Any) -> None:
            pause(self, *arguments)
            pooler.ini.write_text(pooler.ini.read_text() + "; a colleague was here\n")

        monkeypatch.setattr(Fleet, "pause", edit_meanwhile)
        with pytest.raises(Problem, match="someone else"):
            Route().create(context(), declared(site.new, pooler))
        assert pooler.ini.read_text().endswith("; a colleague was here\n")
        assert_serves(pooler, site.old)


def test_one_of_two_processes_that_fails_takes_the_other_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site.pooler() as one, site.pooler("b") as two:
        reload = Fleet.reload

        def die_before(self: Fleet, timeout: float) -> None:
            two.stop()
            reload(self, timeout)

        monkeypatch.setattr(Fleet, "reload", die_before)
        monkeypatch.setattr("dbrestore.pgbouncer.swap.UNDO_SECONDS", 0.5)
        monkeypatch.setattr("dbrestore.pgbouncer.guard.RESCUE_SECONDS", 0.5)
        with pytest.raises(Problem, match=f"127.0.0.1:{two.port}") as caught:
            Route().create(context(), declared(site.new, one, two))
        assert "RESUME app" in caught.value.cure
        assert_serves(one, site.old)
        two.start()
        assert_serves(two, site.old)


@pytest.mark.parametrize("cut", ["before", "after"])
def test_once_clients_may_write_to_the_new_server_there_is_only_forward(
    site: Site, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    with site.pooler() as one, site.pooler("b") as two:
        resume = Fleet.resume

        def die(self: Fleet, timeout: float) -> None:
            if cut == "before":
                two.stop()
            resume(self, timeout)
            two.stop()

        monkeypatch.setattr(Fleet, "resume", die)
        monkeypatch.setattr("dbrestore.pgbouncer.swap.UNDO_SECONDS", 0.5)
        monkeypatch.setattr("dbrestore.pgbouncer.guard.RESCUE_SECONDS", 0.5)
        with pytest.raises(PartlyMade, match=f"127.0.0.1:{two.port}") as caught:
            Route().create(context(), declared(site.new, one, two))
        assert caught.value.name == "swap-unfinished"
        assert (caught.value.state["port"], caught.value.state["previous"]["port"]) == (
            site.new.port,
            site.old.port,
        )
        assert Route().drift(caught.value.state, None) == {"paused"}
        assert "RESUME app" in caught.value.cure
        assert_serves(one, site.new)
        two.start()
        assert_serves(two, site.new)
        assert Route().create(context(), declared(site.new, one, two))[1]["stallMs"] == 0


@pytest.mark.parametrize(
    ("cut", "then"),
    [
        ("before Fleet.pause", "old"),
        ("after Fleet.pause", "old"),
        ("after Edit.commit", "new"),
        ("before Fleet.resume", "new"),
    ],
)
def test_sigkill_between_pause_and_resume_leaves_nobody_paused(site: Site, cut: str, then: str) -> None:
    when, target = cut.split()
    with site.pooler() as pooler, load(pooler) as seen:
        killed = killed_swap(declared(site.new, pooler), when, target)
        assert killed.wait(30) == -9
        wait_until(lambda: line(pooler)["paused"] == 0, what="the guard's RESUME")
        server = site.new if then == "new" else site.old
        wait_until(lambda: line(pooler)["port"] == server.port, what="the route")
        wait_until(lambda: not guards(pooler), what="the guard's end")
        assert_serves(pooler, server)
        assert_nothing_left(pooler)
    assert seen.failures == []


def test_sigkill_while_a_pause_waits_leaves_nobody_paused(site: Site) -> None:
    with (
        site.pooler(pool_mode="session") as pooler,
        psycopg.connect(pooler.url("app"), autocommit=True) as client,
    ):
        client.execute("SELECT 1")
        process = killed_swap(declared(site.new, pooler, timeouts={"pause": 60}), "never", "Fleet.pause")
        wait_until(lambda: line(pooler)["paused"], what="PAUSE")
        process.kill()
        process.wait()
        wait_until(lambda: not guards(pooler), what="the guard's end")
        assert_serves(pooler, site.old)


@pytest.mark.parametrize("step", ["reload", "resume"])
def test_a_swap_that_hangs_is_ended_by_the_guards_own_deadline(
    site: Site, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr("dbrestore.pgbouncer.swap.RESCUE_SECONDS", -29.0)
    with site.pooler() as pooler:
        timeouts = {"pause": 10, "reload": 5, "resume": 5}

        def hang(self: Fleet, timeout: float) -> None:
            wait_until(lambda: line(pooler)["paused"] == 0, what="the guard's RESUME")
            raise Problem("made-up", "It took too long.")

        monkeypatch.setattr(Fleet, step, hang)
        with pytest.raises(Problem, match="too long") as caught:
            Route().create(context(), declared(site.new, pooler, timeouts=timeouts))
        assert caught.value.name == "swap-unfinished"
        assert_serves(pooler, site.new)


def test_no_swap_without_a_guard(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with site.pooler() as pooler:
        monkeypatch.setattr(sys, "executable", "/bin/false")
        with pytest.raises(Problem, match="guard") as caught:
            Route().create(context(), declared(site.new, pooler))
        assert caught.value.name == "swap-guard"
        assert_serves(pooler, site.old)
        assert_nothing_left(pooler)


def test_the_guard_gets_no_secret_in_its_arguments(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: list[bytes] = []
    entered = Guard.__enter__

    def look(self: Guard) -> Guard:
        made = entered(self)
        base = Path(f"/proc/{self._process.pid}")
        arguments.append(base.joinpath("cmdline").read_bytes() + base.joinpath("environ").read_bytes())
        return made

    with site.pooler() as pooler:
        monkeypatch.setattr(Guard, "__enter__", look)
        admin = pooler.admin_url.replace(":admin@", ":hush-hush@")
        Route().create(context(), declared(site.new, pooler, admins=[admin]))
    assert len(arguments) == 1
    assert b"hush-hush" not in arguments[0]


def test_a_wrong_admin_password_is_told_without_the_password(site: Site) -> None:
    with site.pooler(auth_type="plain") as pooler:
        wrong = pooler.admin_url.replace(":admin@", ":wrong-secret@")
        with pytest.raises(Problem) as caught:
            Route().create(context(), declared(site.new, pooler, admins=[wrong]))
        assert caught.value.name == "pgbouncer-login"
        assert "wrong-secret" not in str(caught.value)
        assert f"127.0.0.1:{pooler.port}" in caught.value.what


def test_a_user_who_may_only_look_cannot_swap(site: Site) -> None:
    with site.pooler(stats_users="postgres") as pooler:
        looker = pooler.url("pgbouncer")
        with pytest.raises(Problem, match="admin"):
            Route().create(context(), declared(site.new, pooler, admins=[looker]))
        assert_serves(pooler, site.old)


def test_processes_that_share_a_port_have_to_be_named_by_their_sockets(site: Site) -> None:
    with scratch() as place:
        sockets = [folder(place / name) for name in "ab"]
        shares = [{"so_reuseport": "1", "unix_socket_dir": str(path)} for path in sockets]
        with site.pooler(**shares[0]) as one:
            two = Pgbouncer(folder(place / "two"), one.databases, one.port, shares[1])
            places = [f"{quote(str(path), safe='')}:{one.port}" for path in sockets]
            by_socket = [f"postgresql://admin:admin@{place}/pgbouncer" for place in places]
            assert all(map(is_postgres, by_socket))
            Route().create(context(), declared(site.new, one))
            Route().create(context(), declared(site.old, one))
            with two:
                wait_until(lambda: listeners(one.port) == 2)
                told: list[str] = []
                Route().create(replace(context(), note=told.append), declared(site.old, one))
                assert "2 processes listen" in told[0]
                for admins in ([one.admin_url], [one.admin_url, two.admin_url], by_socket[:1]):
                    with pytest.raises(Problem, match="2 processes listen") as caught:
                        Route().create(context(), declared(site.new, admins=admins))
                    assert caught.value.name == "pgbouncer-shares-port"
                Route().create(context(), declared(site.new, admins=by_socket))
                assert {served_port(one) for _ in range(20)} == {site.new.port}


def test_a_pgbouncer_that_is_down_is_named_before_any_pause(site: Site) -> None:
    down = f"postgresql://admin:x@127.0.0.1:{free_port()}/pgbouncer"
    with site.pooler() as pooler:
        with pytest.raises(Problem, match=r"127\.0\.0\.1") as caught:
            Route().create(context(), declared(site.new, pooler, admins=[pooler.admin_url, down]))
        assert caught.value.name == "pgbouncer-unreachable"
        assert_serves(pooler, site.old)


def test_an_unreadable_admin_url_is_not_repeated() -> None:
    inputs = Route.inputs.model_validate(
        {"database": "app", "admins": ["postgresql//admin:hush@"], "host": "h", "port": 1}
    )
    with pytest.raises(Misuse) as caught:
        Route().create(context(), inputs)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("with_url", [True, False])
def test_a_target_that_refuses_connections_is_refused_before_any_pause(site: Site, with_url: bool) -> None:
    port = free_port()
    more = {"port": port, "url": f"postgresql://postgres@127.0.0.1:{port}/postgres" if with_url else None}
    with site.pooler() as pooler:
        with pytest.raises(Refusal) as caught:
            Route().create(context(), declared(site.new, pooler, **more))
        assert caught.value.name == "target-refuses"
        assert_serves(pooler, site.old)


@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_a_target_without_the_encryption_that_pgbouncer_insists_on_is_refused(site: Site, mode: str) -> None:
    with site.pooler(server_tls_sslmode=mode) as pooler:
        with pytest.raises(Refusal, match="does not support SSL") as refused:
            Route().create(context(), declared(site.new, pooler))
        assert refused.value.name == "target-refuses"
        assert (line(pooler)["port"], line(pooler)["paused"]) == (site.old.port, 0)


def test_a_target_where_the_application_may_only_read_is_told(site: Site) -> None:
    site.new.execute("ALTER ROLE postgres SET default_transaction_read_only = on")
    told: list[str] = []
    with site.pooler() as pooler:
        Route().create(replace(context(), note=told.append), declared(site.new, pooler))
        assert_serves(pooler, site.new)
    site.new.execute("BEGIN READ WRITE; ALTER ROLE postgres RESET default_transaction_read_only; COMMIT")
    assert "can only read" in told[0]


def test_a_target_that_refuses_the_application_is_refused(site: Site) -> None:
    with site.pooler() as pooler, pytest.raises(Refusal, match="nosuch"):
        Route().create(context(), declared(site.new, pooler, url=site.new.url("nosuch")))


def test_a_target_in_recovery_is_refused(site: Site) -> None:
    with scratch() as place, site.pooler() as pooler:
        copy = site.old.base_backup("copy", folder(place / "base"))
        standby = Postgres(folder(place / "standby"))
        copy.rename(standby.data)
        standby.data.joinpath("standby.signal").touch()
        with (standby.data / "postgresql.conf").open("a") as conf:
            conf.write(f"port = {standby.port}\nunix_socket_directories = '{standby.directory}'\n")
            conf.write(f"primary_conninfo = 'host=127.0.0.1 port={site.old.port} user=postgres'\n")
        with standby, pytest.raises(Refusal) as caught:
            Route().create(context(), declared(standby, pooler))
        assert caught.value.name == "target-in-recovery"
        assert_serves(pooler, site.old)


def test_a_database_served_by_the_fallback_is_told_the_line_to_add(site: Site) -> None:
    with site.pooler(database="*") as pooler:
        with psycopg.connect(pooler.url("postgres"), autocommit=True, prepare_threshold=None) as client:
            client.execute("SELECT 1")
        with pytest.raises(Problem) as caught:
            Route().create(context(), declared(site.new, pooler, database="postgres"))
        assert caught.value.name == "route-not-in-config"
        assert f"postgres = host=127.0.0.1 port={site.old.port} dbname=postgres" in caught.value.cure


def test_a_database_pgbouncer_does_not_know_names_those_it_has(site: Site) -> None:
    with site.pooler() as pooler, pytest.raises(Problem, match="it has app") as caught:
        Route().create(context(), declared(site.new, pooler, database="ap"))
    assert caught.value.name == "route-unknown"


def test_a_target_on_a_unix_socket_and_an_included_entry(site: Site) -> None:
    with site.pooler() as pooler:
        text = pooler.ini.read_text()
        entry = text.splitlines()[1]
        included = pooler.directory / "databases.ini"
        included.write_text(f"; where clients go\n{entry}\n")
        pooler.ini.write_text(text.replace(entry, f"%include {included}"))
        Route().create(context(), declared(site.new, pooler, host=str(site.new.directory), url=None))
        assert line(pooler)["host"] == str(site.new.directory)
        assert included.read_text().startswith("; where clients go\napp = host=/")


def killed_swap(inputs: Any, when: str, target: str) -> subprocess.Popen[bytes]:
    """A process that swaps and kills itself ("before", "after", "never") a step of the swap."""
    process = subprocess.Popen([sys.executable, "-c", _KILLED, when, target], stdin=subprocess.PIPE, cwd=ROOT)
    assert process.stdin is not None
    process.stdin.write(inputs.model_dump_json(by_alias=True).encode())
    process.stdin.close()
    return process


_KILLED = """
import os, signal, sys
from dbrestore.handler import Context, PartlyMade
from dbrestore.pgbouncer.fleet import Fleet
from dbrestore.pgbouncer.route import Route
from dbrestore.pgbouncer.swap import Edit

when, target = sys.argv[1:]
holder, name = target.split(".")
kind = {"Fleet": Fleet, "Edit": Edit}[holder]
step = getattr(kind, name)

def cut(*arguments):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    step(*arguments)
    if when == "after":
        os.kill(os.getpid(), signal.SIGKILL)

setattr(kind, name, cut)
Route().create(Context("urn"), Route.inputs.model_validate_json(sys.stdin.read()))
"""


def guards(pooler: Pgbouncer) -> bool:
    """Whether consoles other than the one that asks are connected."""
    consoles = [row for row in pooler.show("CLIENTS") if row["database"] == "pgbouncer"]
    return len(consoles) > 1


def test_the_points_where_a_swap_is_cut_exist() -> None:
    assert callable(Fleet.pause)
    assert callable(Fleet.resume)
    assert callable(Edit.commit)
