"""A promotion that fails or is killed at each of its steps: one of the two servers serves, with every row."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dbrestore.pgbouncer.fleet import Fleet
from dbrestore.pgbouncer.guard import Guard
from dbrestore.pgbouncer.swap import Edit
from dbrestore.replica import promoting
from dbrestore.replica.original import Original
from problem import Problem
from tests.functional.dbrestore.cluster import Cluster, Writers, cluster, keys, writing
from tests.functional.dbrestore.test_promotion import assert_every_write_is_there_once, read_only
from tests.support.servers import wait_until

ROOT = Path(__file__).parents[3]
POINTS: dict[str, tuple[Any, str]] = {
    "Fleet.pause": (Fleet, "pause"),
    "Fleet.reload": (Fleet, "reload"),
    "Fleet.resume": (Fleet, "resume"),
    "Edit.commit": (Edit, "commit"),
    "Original.fence": (Original, "fence"),
    "Original.flush": (Original, "flush"),
    "Promote": (promoting, "promote"),
}


def fenced(site: Cluster) -> dict[str, Any]:
    return {"fence": True, "adminUrl": site.primary.url()}


def failing(step: Callable[..., Any], when: str, error: Exception) -> Callable[..., Any]:
    """``step`` that fails before or after it did its work."""

    def failed(*arguments: Any) -> Any:
        if when == "after":
            step(*arguments)
        raise error

    return failed


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param("after Fleet.pause", marks=pytest.mark.slow),
        pytest.param("after Original.fence", marks=pytest.mark.slow),
        "before Original.flush",
        pytest.param("after Original.flush", marks=pytest.mark.slow),
    ],
)
def test_a_failure_before_the_promotion_undoes_everything(cut: str, monkeypatch: pytest.MonkeyPatch) -> None:
    when, point = cut.split()
    holder, name = POINTS[point]
    with cluster() as site:
        with writing(site.pooler) as writers:
            monkeypatch.setattr(
                holder, name, failing(getattr(holder, name), when, psycopg.OperationalError("cut"))
            )
            with pytest.raises(Problem, match="the old route serves") as caught:
                site.cut_over(**fenced(site))
            monkeypatch.undo()
        assert_unharmed(site, writers)
        assert site.standby.in_recovery()
        assert "Traceback" not in str(caught.value)
        site.cut_over(**fenced(site))
        site.assert_serves(site.standby)


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param("before Promote", marks=pytest.mark.slow),
        "after Promote",
        pytest.param("before Edit.commit", marks=pytest.mark.slow),
        pytest.param("before Fleet.reload", marks=pytest.mark.slow),
    ],
)
def test_a_failure_before_the_first_client_goes_back_and_says_that_the_standby_is_none_any_more(
    cut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    when, point = cut.split()
    holder, name = POINTS[point]
    with cluster() as site:
        with writing(site.pooler) as writers:
            broken = failing(getattr(holder, name), when, Problem("made-up", "Made up.", "Mend it."))
            monkeypatch.setattr(holder, name, broken)
            with pytest.raises(Problem, match="was told to promote") as caught:
                site.cut_over(**fenced(site))
            monkeypatch.undo()
        assert_unharmed(site, writers)
        assert caught.value.name == "promotion-undone"
        assert "reforge teardown promoted" in caught.value.cure


def assert_unharmed(site: Cluster, writers: Writers) -> None:
    """The original serves, writes, and has every acknowledged row; no file of a swap is left."""
    assert_every_write_is_there_once(writers, site.primary)
    assert {port for _, port in writers.acknowledged} == {site.primary.port}
    assert read_only(site.primary) == "off"
    site.assert_serves(site.primary)
    site.assert_nothing_left()


@pytest.mark.slow
def test_replay_that_stops_while_clients_are_held_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promoting, "REPLAY_SECONDS", 0.3)
    with cluster() as site:
        pause = Fleet.pause

        def pause_both(self: Fleet, *arguments: Any) -> None:
            pause(self, *arguments)
            site.standby.execute("SELECT pg_wal_replay_pause()")
            wait_until(
                lambda: site.standby.execute("SELECT pg_get_wal_replay_pause_state()") == [("paused",)]
            )

        with writing(site.pooler) as writers:
            monkeypatch.setattr(Fleet, "pause", pause_both)
            with pytest.raises(Problem, match="does not catch up") as caught:
                site.cut_over(**fenced(site))
        assert caught.value.name == "replica-lags"
        assert_unharmed(site, writers)


def test_once_clients_are_there_a_failure_goes_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    with cluster() as site:
        with writing(site.pooler) as writers:
            broken = failing(Fleet.resume, "after", Problem("made-up", "Made up.", "Mend it."))
            monkeypatch.setattr(Fleet, "resume", broken)
            with pytest.raises(Problem, match="Clients are at") as caught:
                site.cut_over(**fenced(site))
            monkeypatch.undo()
        assert caught.value.name == "swap-unfinished"
        assert "Run the same command again" in caught.value.cure
        assert_every_write_is_there_once(writers, site.standby)
        site.assert_serves(site.standby)
        site.cut_over(**fenced(site))
        site.assert_serves(site.standby)


@pytest.mark.slow
def test_a_fence_that_cannot_be_lifted_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    with cluster() as site:
        refused = Problem("fence-failed", "No.", "")
        monkeypatch.setattr(Original, "lift", failing(Original.lift, "before", refused))
        monkeypatch.setattr(Original, "flush", failing(Original.flush, "before", Problem("cut", "Cut.")))
        with pytest.raises(Problem, match="still fenced") as caught:
            site.cut_over(**fenced(site))
        assert "ALTER SYSTEM RESET default_transaction_read_only" in caught.value.cure
        assert site.line()["paused"] == 0


@pytest.mark.parametrize(
    ("cut", "then"),
    [
        pytest.param("after Fleet.pause", "primary", marks=pytest.mark.slow),
        ("after Original.fence", "primary"),
        pytest.param("after Original.flush", "primary", marks=pytest.mark.slow),
        ("before Promote", "standby"),
        pytest.param("after Promote", "standby", marks=pytest.mark.slow),
        pytest.param("after Edit.commit", "standby", marks=pytest.mark.slow),
        pytest.param("before Fleet.resume", "standby", marks=pytest.mark.slow),
        pytest.param("after Fleet.resume", "standby", marks=pytest.mark.slow),
    ],
)
def test_sigkill_at_any_step_leaves_everybody_served_and_nothing_lost(cut: str, then: str) -> None:
    when, point = cut.split()
    with cluster() as site:
        with writing(site.pooler) as writers:
            killed = killed_cut_over(site, when, point)
            assert killed.wait(30) == -9
            server = site.primary if then == "primary" else site.standby
            wait_until(
                lambda: (site.line()["port"], site.line()["paused"]) == (server.port, 0), 20, "the guard"
            )
            wait_until(lambda: not guards(site), 20, "the guard's end")
        assert_every_write_is_there_once(writers, server)
        site.assert_serves(server)
        site.assert_nothing_left()
        assert read_only(site.primary) == ("off" if then == "primary" else "on")
        site.cut_over(**fenced(site))
        site.assert_serves(site.standby)
        found = keys(site.standby)
        assert {key for key, _ in writers.acknowledged} <= set(found)


def test_a_standby_that_dies_with_us_leaves_the_original_serving() -> None:
    with cluster() as site:
        with writing(site.pooler) as writers:
            killed = killed_cut_over(site, "stop", "Promote")
            wait_until(lambda: site.line()["paused"] == 1, what="PAUSE")
            wait_until(lambda: read_only(site.primary) == "on", what="the fence")
            wait_until(lambda: stopped(killed.pid), what="the promotion's beginning")
            site.standby.stop(9)
            killed.kill()
            killed.wait()
            wait_until(lambda: site.line()["paused"] == 0, 30, "the guard")
            wait_until(lambda: not guards(site), 20, "the guard's end")
        assert_unharmed(site, writers)


@pytest.mark.slow
def test_a_guard_that_is_killed_leaves_it_to_us(monkeypatch: pytest.MonkeyPatch) -> None:
    with cluster() as site:
        promote = promoting.promote
        guard: list[Guard] = []
        entered = Guard.__enter__
        monkeypatch.setattr(Guard, "__enter__", lambda self: guard.append(self) or entered(self))

        def kill(*arguments: Any) -> None:
            promote(*arguments)
            guard[0]._process.kill()
            guard[0]._process.wait()

        with writing(site.pooler) as writers:
            monkeypatch.setattr(promoting, "promote", kill)
            with pytest.raises(Problem, match="was told to promote") as caught:
                site.cut_over(**fenced(site))
        assert caught.value.name == "promotion-undone"
        assert_unharmed(site, writers)


@pytest.mark.slow
def test_a_cut_over_that_slept_through_its_guard_does_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbrestore.pgbouncer.swap.RESCUE_SECONDS", -59.0)
    monkeypatch.setattr("dbrestore.pgbouncer.guard._ANSWER_SECONDS", 0.2)
    with cluster() as site:
        flush = Original.flush

        def sleep(self: Original) -> str:
            wait_until(lambda: site.line()["paused"] == 0, 30, "the guard's RESUME")
            return flush(self)

        with writing(site.pooler) as writers:
            monkeypatch.setattr(Original, "flush", sleep)
            with pytest.raises(Problem, match="has acted already") as caught:
                site.cut_over(**fenced(site))
        assert caught.value.name == "swap-overtaken"
        assert site.standby.in_recovery()
        assert_unharmed(site, writers)


def stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


def guards(site: Cluster) -> bool:
    """Whether consoles other than the one that asks are connected."""
    return sum(row["database"] == "pgbouncer" for row in site.pooler.show("CLIENTS")) > 1


def killed_cut_over(site: Cluster, when: str, point: str) -> subprocess.Popen[bytes]:
    """A process that cuts over and kills itself before or after a step, or stops itself before it."""
    process = subprocess.Popen([sys.executable, "-c", _KILLED, when, point], stdin=subprocess.PIPE, cwd=ROOT)
    assert process.stdin is not None
    process.stdin.write(site.route(**fenced(site)).model_dump_json(by_alias=True).encode())
    process.stdin.close()
    return process


_KILLED = """
import os, signal, sys
from dbrestore.handler import Context
from dbrestore.pgbouncer.route import Route
from tests.functional.dbrestore.test_promotion_faults import POINTS

when, point = sys.argv[1:]
holder, name = POINTS[point]
step = getattr(holder, name)

def cut(*arguments):
    if when != "after":
        os.kill(os.getpid(), signal.SIGSTOP if when == "stop" else signal.SIGKILL)
    found = step(*arguments)
    if when == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return found

setattr(holder, name, cut)
Route().create(Context("urn"), Route.inputs.model_validate_json(sys.stdin.read()))
"""


def test_the_points_where_a_promotion_is_cut_exist() -> None:
    assert all(callable(getattr(holder, name)) for holder, name in POINTS.values())
    assert callable(Guard.announce)
