"""``supervisor:Group`` on a real supervisord: all, none, canary, crashes in between, programs that fail."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dbrestore.handler import Context, PartlyMade
from dbrestore.supervisor.group import Group
from problem import Problem
from tests.support.servers import Supervisord, folder, scratch, wait_until

ROOT = Path(__file__).parents[3]
SLEEP = f"{sys.executable} -c 'import time; time.sleep(1000)'"
DEAF = (
    f"{sys.executable} -c 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    ' open("deaf", "w").close(); time.sleep(1000)\''
)
BREAKABLE = (
    f"{sys.executable} -c 'import os, time;"
    ' assert not os.path.exists("broken"), "no database to work on"; time.sleep(1000)\''
)


@pytest.fixture
def supervisord() -> Iterator[Supervisord]:
    programs = {"etl": {"worker": (SLEEP, 3)}, "web": {"api": (SLEEP, 1)}}
    with scratch() as place, Supervisord(folder(place / "s"), programs) as server:
        yield server


def declared(server: Supervisord, desired: str, **more: Any) -> Any:
    values = {"server": server.server_url, "group": "etl", "desired": desired, "timeout": 15}
    return Group.inputs.model_validate(values | {"record": server.directory / "records"} | more)


def context() -> Context:
    return Context("urn:pulumi:test::reforge::dbrestore:supervisor:Group::etl")


def running(server: Supervisord, group: str = "etl") -> list[str]:
    return sorted(name for name, state in server.states(group).items() if state == "RUNNING")


def pids(server: Supervisord) -> dict[str, int]:
    return {info["name"]: info["pid"] for info in server.call("getAllProcessInfo") if info["group"] == "etl"}


def test_all_none_canary_all_runs_exactly_what_ran_before(supervisord: Supervisord) -> None:
    supervisord.call("stopProcess", "etl:worker_02")
    before = pids(supervisord)
    identity, state = Group().create(context(), declared(supervisord, "all"))
    assert pids(supervisord) == before
    assert state["original"] == ["worker_00", "worker_01"]
    state = Group().update(context(), identity, state, declared(supervisord, "none"))
    assert running(supervisord) == []
    assert state["processes"] == dict.fromkeys(["worker_00", "worker_01", "worker_02"], "STOPPED")
    state = Group().update(context(), identity, state, declared(supervisord, "canary"))
    assert running(supervisord) == ["worker_00"]
    canary = pids(supervisord)["worker_00"]
    state = Group().update(context(), identity, state, declared(supervisord, "all"))
    assert running(supervisord) == ["worker_00", "worker_01"]
    assert pids(supervisord)["worker_00"] == canary
    assert Group().drift(state, None) == frozenset()
    assert running(supervisord, "web") == ["api_00"]


def test_what_runs_is_started_anew_when_its_database_has_moved(supervisord: Supervisord) -> None:
    _, state = Group().create(context(), declared(supervisord, "all", database="127.0.0.1:5432"))
    before = pids(supervisord)
    state = Group().update(context(), "", state, declared(supervisord, "all", database="127.0.0.1:5432"))
    assert pids(supervisord) == before
    state = Group().update(context(), "", state, declared(supervisord, "all", database="127.0.0.1:5433"))
    assert running(supervisord) == ["worker_00", "worker_01", "worker_02"]
    assert not before.items() & pids(supervisord).items()
    assert state["database"] == "127.0.0.1:5433"


def test_leaving_all_records_the_present_anew(supervisord: Supervisord) -> None:
    _, state = Group().create(context(), declared(supervisord, "all"))
    supervisord.call("stopProcess", "etl:worker_00")
    state = Group().update(context(), "", state, declared(supervisord, "none"))
    assert state["original"] == ["worker_01", "worker_02"]
    state = Group().update(context(), "", state, declared(supervisord, "canary"))
    assert running(supervisord) == ["worker_01"]


def fail(server: Supervisord, state: str) -> None:
    (server.directory / "broken").touch()
    server.call("stopProcess", "etl:quick_00")
    server.call("startProcess", "etl:quick_00", False)
    wait_until(lambda: server.states("etl")["quick_00"] == state, 60)


def test_who_keeps_failing_when_all_is_stopped_comes_back_and_who_was_given_up_is_named(
    server_folder: Path,
) -> None:
    programs = {"etl": {"quick": (BREAKABLE, 1), "worker": (SLEEP, 1)}}
    with Supervisord(folder(server_folder / "s"), programs, startsecs=1) as server:
        fail(server, "BACKOFF")
        _, state = Group().create(context(), declared(server, "none"))
        assert state["original"] == ["quick_00", "worker_00"]
        (server.directory / "broken").unlink()
        state = Group().update(context(), "", state, declared(server, "all"))
        assert running(server) == ["quick_00", "worker_00"]

        fail(server, "FATAL")
        told: list[str] = []
        here = replace(context(), note=told.append)
        state = Group().update(here, "", state, declared(server, "none"))
        Group().update(here, "", state, declared(server, "all"))
        assert running(server) == ["worker_00"]
        assert len(told) == 2
        assert f"-s {server.server_url} start etl:quick_00" in told[0] == told[1]


def test_a_kill_in_the_middle_of_stopping_does_not_change_the_original(supervisord: Supervisord) -> None:
    inputs = declared(supervisord, "none")
    killed = subprocess.Popen([sys.executable, "-c", _KILLED], stdin=subprocess.PIPE, cwd=ROOT)
    killed.communicate(inputs.model_dump_json(by_alias=True).encode())
    assert killed.returncode == -9
    wait_until(lambda: running(supervisord) == ["worker_01", "worker_02"])
    _, state = Group().create(context(), inputs)
    assert running(supervisord) == []
    assert state["original"] == ["worker_00", "worker_01", "worker_02"]
    Group().update(context(), "", state, declared(supervisord, "all"))
    assert len(running(supervisord)) == 3


def test_going_back_to_all_in_the_middle_of_stopping_starts_what_was_stopping(server_folder: Path) -> None:
    with Supervisord(folder(server_folder / "s"), {"etl": {"deaf": (DEAF, 1)}}) as server:
        wait_until((server.directory / "deaf").exists)
        with pytest.raises(PartlyMade) as caught:
            Group().create(context(), declared(server, "none", timeout=0.2))
        assert caught.value.name == "processes-do-not-stop"
        assert "deaf_00 (STOPPING, pid " in caught.value.what
        assert Group().drift(caught.value.state, None) == {"processes"}
        state = Group().update(context(), "", caught.value.state, declared(server, "all"))
        assert running(server) == ["deaf_00"]
    assert state["original"] == ["deaf_00"]


def test_a_lost_record_file_is_made_again_from_the_state(supervisord: Supervisord) -> None:
    _, state = Group().create(context(), declared(supervisord, "none"))
    next((supervisord.directory / "records").iterdir()).unlink()
    Group().update(context(), "", state, declared(supervisord, "all"))
    assert len(running(supervisord)) == 3


def test_read_shows_drift_and_an_update_mends_it(supervisord: Supervisord) -> None:
    _, state = Group().create(context(), declared(supervisord, "none"))
    assert Group().read(context(), "", state) == state
    supervisord.call("startProcess", "etl:worker_01")
    seen = Group().read(context(), "", state)
    assert seen is not None
    assert seen["processes"]["worker_01"] == "RUNNING"
    assert Group().drift(seen, None) == {"processes"}
    state = Group().update(context(), "", seen, declared(supervisord, "none"))
    assert running(supervisord) == []
    assert len(state["original"]) == 3


def test_delete_leaves_processes_and_removes_the_record(supervisord: Supervisord) -> None:
    identity, state = Group().create(context(), declared(supervisord, "all"))
    before = running(supervisord)
    assert len(list((supervisord.directory / "records").iterdir())) == 1
    Group().delete(context(), identity, state)
    Group().delete(context(), identity, state)
    assert running(supervisord) == before
    assert list((supervisord.directory / "records").iterdir()) == []


def test_a_group_deleted_while_stopped_can_still_be_brought_back_whole(supervisord: Supervisord) -> None:
    before = running(supervisord)
    identity, state = Group().create(context(), declared(supervisord, "canary"))
    Group().delete(context(), identity, state)
    assert running(supervisord) == ["worker_00"]
    Group().create(context(), declared(supervisord, "all"))
    assert running(supervisord) == before


@pytest.fixture
def breakable(server_folder: Path) -> Iterator[Supervisord]:
    """A worker that ends at its start where a file "broken" lies in its folder."""
    programs = {"etl": {"worker": (BREAKABLE, 2)}}
    with Supervisord(folder(server_folder / "s"), programs) as server:
        yield server


def test_a_program_that_ends_at_its_start_is_told_with_what_it_said(breakable: Supervisord) -> None:
    _, state = Group().create(context(), declared(breakable, "none"))
    (breakable.directory / "broken").touch()
    with pytest.raises(Problem, match="no database to work on") as caught:
        Group().update(context(), "", state, declared(breakable, "all"))
    assert caught.value.name == "program-does-not-run"
    assert "etl:worker_0" in caught.value.what
    (breakable.directory / "broken").unlink()
    Group().update(context(), "", state, declared(breakable, "all"))
    assert running(breakable) == ["worker_00", "worker_01"]


def test_a_program_that_cannot_be_executed_is_told(server_folder: Path) -> None:
    program = folder(server_folder / "s") / "program"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    with Supervisord(server_folder / "s", {"etl": {"worker": (str(program), 1)}}) as server:
        _, state = Group().create(context(), declared(server, "none"))
        program.unlink()
        with pytest.raises(Problem, match="NO_FILE") as caught:
            Group().update(context(), "", state, declared(server, "canary"))
    assert caught.value.name == "program-does-not-run"


def test_a_process_that_is_gone_from_the_config_is_named(supervisord: Supervisord) -> None:
    _, state = Group().create(context(), declared(supervisord, "none"))
    record = supervisord.directory / "records" / "supervisor-etl.json"
    record.write_text(record.read_text().replace("worker_02", "worker_99"))
    with pytest.raises(Problem, match="worker_99") as caught:
        Group().update(context(), "", state, declared(supervisord, "all"))
    assert caught.value.name == "processes-gone"


def test_a_spoilt_record_is_not_guessed_at(supervisord: Supervisord) -> None:
    _, state = Group().create(context(), declared(supervisord, "none"))
    record = supervisord.directory / "records" / "supervisor-etl.json"
    record.write_text("{")
    with pytest.raises(Problem, match=str(record)) as caught:
        Group().update(context(), "", state, declared(supervisord, "all"))
    assert caught.value.name == "record-unreadable"
    assert running(supervisord) == []


def test_a_wrong_password_is_told_without_it(server_folder: Path) -> None:
    with Supervisord(folder(server_folder / "s"), {"etl": {"worker": (SLEEP, 1)}}) as server:
        conf = server.directory / "supervisord.conf"
        section, locked = "[unix_http_server]\n", "[unix_http_server]\nusername=ops\npassword=right\n"
        conf.write_text(conf.read_text().replace(section, locked))
        server.call("restart")
        wrong = declared(server, "none", username="ops", password="hush-hush")
        wait_until(lambda: refused(wrong) == "supervisor-login", what="the password being asked for")
        with pytest.raises(Problem) as caught:
            Group().create(context(), wrong)
        assert "hush-hush" not in str(caught.value)
        right = declared(server, "none", username="ops", password="right")
        wait_until(lambda: Group().create(context(), right)[1]["processes"] == {"worker_00": "STOPPED"})


def refused(inputs: Any) -> str:
    """The name of the problem that asking for the processes meets."""
    try:
        with closing(inputs.supervisor()) as client:
            client.processes()
    except Problem as problem:
        return problem.name
    return ""


def test_a_group_that_does_not_exist_names_the_nearest(supervisord: Supervisord) -> None:
    with pytest.raises(Problem, match="it has etl, web") as caught:
        Group().create(context(), declared(supervisord, "none", group="elt"))
    assert (caught.value.name, caught.value.cure) == ("group-unknown", "Did you mean etl?")
    assert Group().read(context(), "", declared(supervisord, "none", group="elt").wire()) is None
    assert not (supervisord.directory / "records").exists()


def test_a_supervisord_that_is_down_is_named(server_folder: Path) -> None:
    inputs = Group.inputs.model_validate(
        {
            "server": f"unix://{server_folder}/no.sock",
            "group": "etl",
            "desired": "none",
            "record": server_folder,
        }
    )
    with pytest.raises(Problem, match=r"no\.sock") as caught:
        Group().create(context(), inputs)
    assert caught.value.name == "supervisor-unreachable"
    with pytest.raises(Problem):
        Group().read(context(), "", inputs.wire())


def test_an_interrupt_ends_the_wait_and_keeps_the_record(server_folder: Path) -> None:
    with Supervisord(folder(server_folder / "s"), {"etl": {"deaf": (DEAF, 1)}}) as server:
        wait_until((server.directory / "deaf").exists)
        interrupted = context()
        threading.Timer(0.2, interrupted.cancelled.set).start()
        with pytest.raises(PartlyMade, match="Interrupted"):
            Group().create(interrupted, declared(server, "none"))
        record = json.loads((server.directory / "records" / "supervisor-etl.json").read_text())
    assert (record["original"], record["towards"]) == (["deaf_00"], "none")


def test_import_knows_nothing() -> None:
    assert Group().read(context(), "etl@unix:///x", {}) is None


_KILLED = """
import os, signal, sys
from dbrestore.handler import Context
from dbrestore.supervisor.client import Supervisor
from dbrestore.supervisor.group import Group

stop = Supervisor.stop

def stop_one_and_die(self, name):
    stop(self, name)
    os.kill(os.getpid(), signal.SIGKILL)

Supervisor.stop = stop_one_and_die
Group().create(Context("urn"), Group.inputs.model_validate_json(sys.stdin.read()))
"""
