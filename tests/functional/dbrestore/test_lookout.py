"""A recovery beside which its WAL is read: killed, gone on with, and never ahead of what was read."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dbrestore.postgres.instance import Instance
from dbrestore.postgres.mark import read_mark
from dbrestore.postgres.settings import UNREAD
from problem import Problem
from tests.support.basebackups import Cluster, context
from tests.support.servers import Postgres, folder, scratch, wait_until

_KILLED = """
import json, os, signal, sys, time
from archive import spaces
from dbrestore.handler import Context
from dbrestore.postgres.instance import Instance
from dbrestore.postgres.lookout import Lookout

def passed(self, segments, real=Lookout._pass):
    segments = list(segments)
    if segments[0].name >= sys.argv[1]:
        while not list(self._folder.parent.glob(".s.PGSQL.*")):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
    real(self, segments)

spaces._STEP, Lookout._pass = 1, passed
inputs = Instance.inputs.model_validate(json.loads(sys.argv[3]))
Instance().create(Context(sys.argv[2]), inputs)
"""


class Numbered(Cluster):
    """``segments``: the one that each thousand of rows lies in."""

    def __init__(self, server: Postgres, place: Path) -> None:
        super().__init__(server, place)
        self.segments: dict[int, str] = {}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Numbered]:
    """A backup, then five segments with a thousand rows each."""
    with scratch() as place, Postgres(folder(place / "pg"), archive=place / "wal") as server:
        made = Numbered(server, place)
        made.back_up("monday", "-X", "none")
        for number in range(2, 7):
            made.add(number)
            made.segments[number] = server.switch_wal()
        yield made


@pytest.fixture
def killed(cluster: Numbered) -> Iterator[tuple[Any, list[str]]]:
    """The inputs of a restore whose run was killed after it had read two segments, and what it had not."""
    inputs = cluster.inputs("killed")
    third = cluster.segments[3]
    words = [sys.executable, "-c", _KILLED, third, context("killed").urn, json.dumps(inputs.wire())]
    assert subprocess.run(words, cwd=Path.cwd()).returncode == -signal.SIGKILL
    unread = sorted(os.listdir(inputs.directory / UNREAD))
    assert unread[0] == third
    yield inputs, unread
    Instance().delete(context("killed"), str(inputs.directory), {})


def asked(inputs: Any, question: str) -> Any:
    mark = read_mark(inputs.directory)
    assert mark is not None
    with psycopg.connect(
        host=str(inputs.directory), port=mark.port, user="postgres", dbname="postgres"
    ) as there:
        return there.execute(question).fetchall()[0][0]


def answered(inputs: Any, question: str) -> Any:
    """The same, and nothing while the server does not answer yet."""
    with contextlib.suppress(psycopg.OperationalError):
        return asked(inputs, question)
    return None


def at_work_in(folder: Path) -> list[str]:
    """Process ids."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found += [process.name] if (process / "cwd").readlink() == folder else []
    return found


def test_the_server_that_is_left_waits_and_the_next_run_goes_on(
    cluster: Numbered, killed: tuple[Any, list[str]]
) -> None:
    inputs, unread = killed
    number = int(unread[0][8:16], 16) << 32 | int(unread[0][16:], 16) << 24
    behind = f"SELECT pg_last_wal_replay_lsn() - '0/0'::pg_lsn <= {number}"
    assert wait_until(lambda: answered(inputs, behind)), "it has replayed what nobody has read"
    copied = (inputs.directory / "base").stat().st_ino
    newer = cluster.back_up("tuesday", "-X", "none")  # a run that begins now would begin there
    try:
        _identity, state = Instance().create(context("killed"), inputs)
    finally:
        shutil.rmtree(newer)
    assert state["backup"] == "monday"
    assert (inputs.directory / "base").stat().st_ino == copied, "the copy was made again"
    assert asked(inputs, "SELECT count(*) FROM here") == 6000
    assert not (inputs.directory / UNREAD).exists()


def test_a_postmaster_that_is_killed_beside_the_run_is_started_again(killed: tuple[Any, list[str]]) -> None:
    """The process that waits for WAL has its memory, and may not keep it."""
    inputs, _unread = killed
    assert wait_until(lambda: answered(inputs, "SELECT 1"))
    postmaster = int((inputs.directory / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    wait_until(lambda: not at_work_in(inputs.directory), what="the end of its processes")
    Instance().create(context("killed"), inputs)
    assert asked(inputs, "SELECT count(*) FROM here") == 6000


def test_work_on_wal_that_leads_there_no_longer_is_begun_anew(
    cluster: Numbered, killed: tuple[Any, list[str]]
) -> None:
    inputs, _unread = killed
    (inputs.directory / UNREAD / "0000000900000000000000AA").touch()
    with pytest.raises(Problem, match="0000000900000000000000AA") as caught:
        Instance().create(context("killed"), inputs)
    assert caught.value.name == "wal-changed"
    assert not inputs.directory.exists()
    Instance().create(context("killed"), inputs)
    assert asked(inputs, "SELECT count(*) FROM here") == 6000


def test_damaged_wal_ends_the_restore_and_nothing_is_left(cluster: Numbered) -> None:
    inputs = cluster.inputs("damaged")
    segment = cluster.place / "wal" / cluster.segments[5]
    whole = segment.read_bytes()
    segment.write_bytes(whole[:8192] + bytes(8192) + whole[16384:])
    try:
        with pytest.raises(Problem) as caught:
            Instance().create(context("damaged"), inputs)
    finally:
        segment.write_bytes(whole)
    assert caught.value.name == "wal-damaged"
    assert segment.name in caught.value.what
    assert not inputs.directory.exists()
