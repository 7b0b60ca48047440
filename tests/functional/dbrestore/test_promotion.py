"""A standby is promoted while pgbouncer holds its clients, on real servers and under load."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psycopg
import pytest

from dbrestore.pgbouncer.route import Route
from dbrestore.replica.aftermath import _Follower
from dbrestore.replica.original import Original
from dbrestore.replica.promotion import Promotion
from problem import Problem, Refusal
from tests.functional.dbrestore.cluster import NAME, Cluster, Writers, cluster, keys, writing
from tests.support.servers import Postgres, folder, scratch, wait_until
from tests.support.standby import Standby
from toolchain.postgres import installations


def assert_every_write_is_there_once(writers: Writers, server: Any) -> None:
    found = keys(server)
    assert writers.failures == []
    assert len(found) == len(set(found))
    assert {key for key, _ in writers.acknowledged} <= set(found)


def read_only(server: Any) -> str:
    return str(server.execute("SHOW default_transaction_read_only")[0][0])


def test_under_load_no_write_fails_and_every_acknowledged_one_is_there_once() -> None:
    with cluster() as site:
        with writing(site.pooler) as writers:
            state = site.cut_over()
        assert_every_write_is_there_once(writers, site.standby)
        assert {port for _, port in writers.acknowledged} == {site.primary.port, site.standby.port}
        site.assert_serves(site.standby)
        site.assert_nothing_left()
        assert state["promotedAt"]
        assert 0 < state["stallMs"] < 5000
        assert writers.longest < 5
        assert "while standby-1 was promoted" in site.notes[0]
        assert read_only(site.primary) == "off", "nobody asked for a fence"
        assert Route().update(site.context, "", state, site.route())["promotedAt"] == state["promotedAt"]
        site.assert_serves(site.standby)


@pytest.mark.parametrize("major", [16, pytest.param(18, marks=pytest.mark.slow)])
def test_other_major_versions_are_promoted_alike(major: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = next((one for one in installations() if one.major == major), None)
    if found is None:
        pytest.skip(f"PostgreSQL {major} is not on this machine")
    monkeypatch.setenv("REFORGE_PG_BIN", str(found.directory))
    with cluster() as site:
        fenced = {"fence": True, "adminUrl": site.primary.url()}
        with writing(site.pooler) as writers:
            site.cut_over(**fenced)
        assert_every_write_is_there_once(writers, site.standby)
        assert site.standby.execute("SHOW server_version_num")[0][0][:2] == str(major)
        assert read_only(site.primary) == "on"
        site.assert_serves(site.standby)


def test_a_fence_ends_writers_beside_the_route_and_a_rollback_lifts_it() -> None:
    with cluster() as site, psycopg.connect(site.primary.url(), autocommit=True) as beside:
        fenced = {"fence": True, "adminUrl": site.primary.url()}
        _, made = Promotion().create(site.context, site.promotion(**fenced))
        serving = Promotion().update(site.context, NAME, made, site.promotion(**fenced, serving=NAME))
        with writing(site.pooler) as writers:
            site.cut_over(**fenced)
        assert_every_write_is_there_once(writers, site.standby)
        with pytest.raises(psycopg.OperationalError):
            beside.execute("SELECT 1")
        assert read_only(site.primary) == "on"
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            site.primary.execute("INSERT INTO written VALUES (gen_random_uuid())")
        back = Promotion().update(site.context, NAME, serving, site.promotion(**fenced))
        assert read_only(site.primary) == "off"
        assert (back["inRecovery"], "fenceBefore" in back) == (False, False)
        Route().update(site.context, "", {}, site.route(site.primary))
        site.assert_serves(site.primary)


def test_a_fence_that_cannot_be_lifted_is_not_forgotten_in_a_rollback() -> None:
    with cluster() as site:
        fenced = {"fence": True, "adminUrl": site.primary.url()}
        serving = site.promotion(**fenced, serving=NAME).wire() | {"fenceBefore": "", "serving": NAME}
        closed = site.promotion(**fenced | {"sourceUrl": "postgresql://postgres@127.0.0.1:1/postgres"})
        with pytest.raises(Problem) as caught:
            Promotion().update(site.context, NAME, serving, closed)
        assert caught.value.name == "fence-failed"


def test_the_flush_waits_neither_for_a_synchronous_standby_nor_for_ever() -> None:
    with cluster() as site, closing(Original(site.promotion().parties())) as original:
        site.primary.execute("ALTER SYSTEM SET synchronous_standby_names = 'gone'")
        site.primary.execute("SELECT pg_reload_conf()")
        original.open()
        assert original._application is not None
        shown = {
            name: original._application.execute(f"SHOW {name}".encode()).fetchone()
            for name in ("synchronous_commit", "statement_timeout", "default_transaction_read_only")
        }
        assert list(shown.values()) == [("local",), ("5s",), ("off",)]
        assert original.flush()


@pytest.mark.slow
def test_what_alter_system_said_before_the_fence_is_said_again() -> None:
    with cluster() as site:
        site.primary.execute("ALTER SYSTEM SET default_transaction_read_only = off")
        fenced = {"fence": True, "adminUrl": site.primary.url()}
        _, made = Promotion().create(site.context, site.promotion(**fenced))
        serving = Promotion().update(site.context, NAME, made, site.promotion(**fenced, serving=NAME))
        assert serving["fenceBefore"] == "off"
        site.cut_over(**fenced)
        again = Promotion().update(site.context, NAME, serving, site.promotion(**fenced, serving=NAME))
        assert again["fenceBefore"] == "off", "what was recorded stays until the fence is lifted"
        Promotion().update(site.context, NAME, again, site.promotion(**fenced))
        auto = (site.primary.data / "postgresql.auto.conf").read_text()
        assert "default_transaction_read_only = 'off'" in auto


def test_after_a_rollback_the_promoted_server_serves_again_only_where_the_loss_is_accepted() -> None:
    with cluster() as site:
        site.cut_over()
        site.assert_serves(site.standby)
        Route().update(site.context, "", {}, site.route(site.primary))
        site.assert_serves(site.primary)
        with pytest.raises(Refusal, match="clients went on with the original") as refused:
            site.cut_over()
        assert refused.value.name == "replica-parted"
        site.assert_serves(site.primary)
        site.cut_over(acceptLoss=True)
        site.assert_serves(site.standby)


def test_a_dead_original_is_given_up_only_where_its_loss_is_accepted() -> None:
    with cluster() as site:
        site.standby.catch_up()
        site.primary.stop(9)
        with pytest.raises(Refusal, match="has received WAL up to 0/") as refused:
            Promotion().create(site.context, site.promotion())
        assert refused.value.name == "source-dead"
        assert "--accept-loss" in refused.value.cure
        with pytest.raises(Refusal, match="what it committed after that is lost"):
            site.cut_over()
        Promotion().examine(site.context, site.promotion(acceptLoss=True))
        Promotion().create(site.context, site.promotion(acceptLoss=True))
        assert "does not answer" in site.notes[0]
        state = site.cut_over(acceptLoss=True)
        site.assert_serves(site.standby)
        assert any("see that it does not come back" in note for note in site.notes)
        assert state["promotedAt"].startswith("0/")


def test_other_standbys_follow_and_stale_slots_go() -> None:
    with cluster() as site:
        site.primary.execute(
            "SELECT pg_create_physical_replication_slot(name) FROM (VALUES ('two'), ('old')) s(name)"
        )
        site.standby.execute(
            "SELECT pg_create_physical_replication_slot(name) FROM (VALUES ('old'), ('mine')) s(name)"
        )
        with (
            Standby(site.place / "two", site.primary.url(), "two") as two,
            Standby(folder(site.place / "three"), site.primary.url(), "three") as three,
        ):
            two.execute("ALTER SYSTEM SET primary_slot_name = 'two'")
            two.execute("SELECT pg_reload_conf()")
            others = {"two": two.url(), "gone": f"postgresql://postgres@127.0.0.1:{site.pooler.port}/none"}
            site.cut_over(others=others, adminUrl=site.primary.url())
            site.assert_serves(site.standby)
            assert site.standby.execute("SELECT slot_name FROM pg_replication_slots ORDER BY 1") == [
                ("mine",),
                ("two",),
            ]
            two.primary = site.standby.url()
            two.catch_up()
            said = "\n".join(site.notes)
            assert "two follows the promoted server." in said
            assert "gone does not follow the promoted server: gone" in said
            assert "Dropped the slot old" in said
            assert "Idle slots on the promoted server hold back WAL: mine" in said
            assert "Standbys that still follow the original: three from 127.0.0.1" in said
            assert "Idle slots on the original hold back WAL: old, two." in said
            assert three.streams()


def test_a_password_is_not_in_the_log_of_a_server_that_will_not_follow() -> None:
    with scratch() as place, Postgres(folder(place / "pg")) as server:
        server.execute("CREATE ROLE watcher LOGIN PASSWORD 'w'; GRANT pg_monitor TO watcher")
        with psycopg.connect(server.url(), user="watcher", autocommit=True) as connection:
            follower = _Follower("two", connection, "h", "1", "host=h password=hidden-one", "")
            with pytest.raises(Problem, match="not told to follow") as caught:
                follower.follow()
        assert "On two: ALTER SYSTEM SET primary_conninfo = 'host=h port=1 ...'" in caught.value.cure
        assert "hidden-one" not in server.log.read_text()


@pytest.mark.slow
def test_a_standby_that_is_ahead_is_named_and_left_alone() -> None:
    with cluster() as site, Standby(site.place / "two", site.primary.url(), "two") as two:
        site.cut_over()
        site.primary.execute("SELECT pg_logical_emit_message(true, 'test', 'more')")
        two.catch_up()
        site.notes.clear()
        Route().update(site.context, "", {}, site.route(site.primary))
        site.cut_over(acceptLoss=True, others={"two": two.url()})
        assert "two does not follow the promoted server: It has WAL up to 0/" in "\n".join(site.notes)
        assert "pg_rewind" in "\n".join(site.notes)
        assert two.streams(), "it was left with the original"


def test_without_a_pgbouncer_it_promotes_itself_once_writers_are_stopped() -> None:
    with cluster() as site:
        alone: dict[str, Any] = {"by": "itself", "alone": False}
        early = site.promotion(**alone, serving=NAME, writing="none")
        with pytest.raises(Refusal) as refused:
            Promotion().examine(site.context, early)
        assert refused.value.name == "promotion-too-early"
        _, made = Promotion().create(site.context, site.promotion(**alone))
        with pytest.raises(Refusal, match="would be lost") as refused:
            Promotion().update(site.context, NAME, made, early)
        assert refused.value.name == "writers-not-stopped"
        stopped = Promotion().update(site.context, NAME, made, site.promotion(**alone, writing="none"))
        with psycopg.connect(site.primary.url(), application_name="nightly") as late:
            late.execute("INSERT INTO written VALUES (gen_random_uuid())")
            with pytest.raises(Refusal, match="writing to the original still: nightly"):
                Promotion().update(site.context, NAME, stopped, early)
        assert site.standby.in_recovery()
        served = Promotion().update(site.context, NAME, stopped, early)
        assert (served["inRecovery"], site.standby.in_recovery()) == (False, False)
        assert any("was promoted; it had replayed 0/" in note for note in site.notes)


def test_it_is_forgotten_and_never_removed() -> None:
    with cluster() as site:
        identity, made = Promotion().create(site.context, site.promotion())
        with pytest.raises(Refusal, match="serves the application"):
            Promotion().delete(site.context, identity, made | {"serving": identity})
        site.notes.clear()
        Promotion().delete(site.context, identity, made)
        assert site.notes == ["standby-1 is forgotten; it goes on as a standby, untouched."]
        site.cut_over()
        assert Promotion().read(site.context, identity, made) == made | {"inRecovery": False, "timeline": 2}
        site.notes.clear()
        Promotion().delete(site.context, identity, made)
        assert "left running as a primary at 127.0.0.1" in site.notes[0]
        site.standby.stop()
        site.notes.clear()
        assert Promotion().read(site.context, identity, made) == made
        Promotion().delete(site.context, identity, made)
        assert all("does not answer" in note for note in site.notes)
        assert Promotion().read(site.context, identity, {}) is None


@pytest.fixture(scope="module")
def shared() -> Any:
    """For what is refused, and so changes nothing."""
    with cluster() as site:
        yield site


def test_a_standby_is_proven_and_everything_that_hangs_on_it_is_told(shared: Cluster) -> None:
    shared.notes.clear()
    shared.primary.execute("CREATE UNLOGGED TABLE scratchpad ()")
    shared.standby.catch_up()
    Promotion().examine(shared.context, shared.promotion())
    _, made = Promotion().create(shared.context, shared.promotion())
    said = "\n".join(shared.notes)
    assert "standby-1 is 0 bytes behind the original" in said
    assert "Unlogged tables are empty on standby-1: scratchpad." in said
    assert (made["inRecovery"], made["timeline"], made["boundPort"]) == (True, 1, shared.standby.port)
    shared.primary.execute("DROP TABLE scratchpad")


def test_a_primary_is_no_standby(shared: Cluster) -> None:
    with pytest.raises(Refusal, match="it is a primary, on timeline 1") as refused:
        Promotion().examine(shared.context, shared.promotion(url=shared.primary.url()))
    assert refused.value.name == "not-a-standby"


def test_a_standby_of_another_cluster_is_refused(shared: Cluster) -> None:
    with cluster() as other:
        for attempt in (
            lambda: Promotion().examine(shared.context, shared.promotion(url=other.standby.url())),
            lambda: shared.cut_over(url=other.standby.url()),
        ):
            with pytest.raises(Refusal, match="system identifier") as refused:
                attempt()
            assert refused.value.name == "another-cluster"
    shared.assert_serves(shared.primary)


def test_a_paused_or_delayed_standby_is_told_before_and_refused_at_the_cut_over(shared: Cluster) -> None:
    standby = shared.standby
    standby.execute("SELECT pg_wal_replay_pause()")
    shared.notes.clear()
    Promotion().examine(shared.context, shared.promotion())
    assert any("kept from replaying" in note for note in shared.notes)
    with pytest.raises(Refusal, match="paused it at 0/") as refused:
        shared.cut_over()
    assert "pg_wal_replay_resume" in refused.value.cure
    standby.execute("SELECT pg_wal_replay_resume()")
    standby.execute("ALTER SYSTEM SET recovery_min_apply_delay = '1h'")
    standby.execute("SELECT pg_reload_conf()")
    wait_until(lambda: standby.execute("SHOW recovery_min_apply_delay") == [("1h",)])
    with pytest.raises(Refusal, match="3600 s late") as refused:
        shared.cut_over()
    assert refused.value.name == "replica-delayed"
    standby.execute("ALTER SYSTEM RESET recovery_min_apply_delay")
    standby.execute("SELECT pg_reload_conf()")
    wait_until(lambda: standby.execute("SHOW recovery_min_apply_delay") == [("0",)])
    shared.assert_serves(shared.primary)
    standby.catch_up()


def test_one_whose_commits_would_wait_for_nobody_is_told_before_and_refused_at_the_cut_over(
    shared: Cluster,
) -> None:
    standby = shared.standby
    standby.execute("ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (standby_1)'")
    standby.execute("SELECT pg_reload_conf()")
    wait_until(lambda: standby.execute("SHOW synchronous_standby_names") != [("",)])
    shared.notes.clear()
    Promotion().examine(shared.context, shared.promotion())
    assert any("synchronous_standby_names is FIRST 1 (standby_1)" in note for note in shared.notes)
    with pytest.raises(Refusal, match="would wait") as refused:
        shared.cut_over()
    assert refused.value.name == "replica-synchronous"
    assert "RESET synchronous_standby_names" in refused.value.cure
    standby.execute("ALTER SYSTEM RESET synchronous_standby_names")
    standby.execute("SELECT pg_reload_conf()")
    wait_until(lambda: standby.execute("SHOW synchronous_standby_names") == [("",)])
    shared.assert_serves(shared.primary)


def test_a_standby_that_does_not_catch_up_holds_nobody(
    shared: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dbrestore.replica.promoting.CATCH_UP_SECONDS", 0.3)
    shared.standby.execute("ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'")
    shared.standby.execute("SELECT pg_reload_conf()")
    wait_until(lambda: not shared.standby.streams())
    shared.primary.execute("INSERT INTO written VALUES (gen_random_uuid())")
    with pytest.raises(Refusal, match="bytes of the original's WAL are not replayed") as refused:
        shared.cut_over()
    assert refused.value.name == "replica-lags"
    shared.assert_serves(shared.primary)
    shared.standby.execute("ALTER SYSTEM RESET primary_conninfo")
    shared.standby.execute(f"ALTER SYSTEM SET primary_conninfo = '{conninfo(shared)}'")
    shared.standby.execute("SELECT pg_reload_conf()")
    wait_until(shared.standby.streams)


def conninfo(site: Cluster) -> str:
    return f"host=127.0.0.1 port={site.primary.port} user=postgres"


def test_an_unreachable_standby_and_a_wrong_admin_are_named_without_their_password(shared: Cluster) -> None:
    wrong = f"postgresql://nobody:hush-hush@127.0.0.1:{shared.primary.port}/none"
    for more in ({"url": wrong}, {"adminUrl": wrong, "fence": True}):
        with pytest.raises(Problem, match=f"127.0.0.1:{shared.primary.port}") as caught:
            shared.cut_over(**more)
        assert caught.value.name == "server-unanswering"
        assert "hush-hush" not in str(caught.value)
    shared.assert_serves(shared.primary)


@pytest.mark.slow
def test_a_promotion_whose_run_was_killed_is_taken_up_and_one_that_was_left_is_not() -> None:
    with cluster() as site:
        alone: dict[str, Any] = {"by": "itself", "alone": False, "writing": "none"}
        _, made = Promotion().create(site.context, site.promotion(**alone))
        site.standby.execute("SELECT pg_promote()")
        served = Promotion().update(site.context, NAME, made, site.promotion(**alone, serving=NAME))
        assert not served["inRecovery"]
        back = Promotion().update(site.context, NAME, served, site.promotion(**alone))
        with pytest.raises(Refusal) as refused:
            Promotion().update(site.context, NAME, back, site.promotion(**alone, serving=NAME))
        assert refused.value.name == "replica-parted"
        site.primary.execute("INSERT INTO written VALUES (gen_random_uuid())")
        with pytest.raises(Refusal) as refused:
            Promotion().update(site.context, NAME, made, site.promotion(**alone, serving=NAME))
        assert refused.value.name == "replica-parted"
