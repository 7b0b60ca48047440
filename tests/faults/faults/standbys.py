"""Standbys that are down, held back, of another cluster, or killed while they are promoted."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from rehearsal.record import DATABASE, ROLE
from tests.faults.breaking import absent
from tests.faults.fault import Fault, at, failed, unharmed
from tests.faults.faults.servers import source_killed
from tests.faults.instances import run_as_server, start, stop
from tests.faults.scene import Scene, listens
from tests.faults.site import NAME
from tests.faults.standby import REPLICA, keep, place
from tests.support.ground import wait_until
from tests.support.killing import DEADLINE, held_transaction, started
from tests.support.small_site import Ended

SOURCES = ("replica",)
Inject = Callable[[Scene], AbstractContextManager[object]]


def _data(scene: Scene) -> Path:
    return place(scene.site.site)


def _postmaster(scene: Scene) -> int:
    file = _data(scene) / "postmaster.pid"
    return int(file.read_text().split()[0]) if file.exists() else 0


@contextmanager
def _down(scene: Scene) -> Iterator[None]:
    stop(scene.site.site, _data(scene))
    try:
        yield
    finally:
        start(scene.site.site, _data(scene))


def _held(statement: str, back: str) -> Inject:
    """Replay that somebody holds back, until the statement that takes that back."""

    @contextmanager
    def inject(scene: Scene) -> Iterator[None]:
        with scene.superuser(scene.port) as connection:
            connection.execute(statement.encode())
            connection.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            with scene.superuser(scene.port) as connection:
                connection.execute(back.encode())
                connection.execute("SELECT pg_reload_conf()")

    return inject


@contextmanager
def _of_strangers(scene: Scene) -> Iterator[None]:
    """Another cluster altogether answers at the standby's address."""
    site, data, port = scene.site.site, _data(scene), scene.port
    stop(site, data)
    with absent(data):
        initdb = str(site.binaries.tool("initdb"))
        run_as_server([initdb, "-D", str(data), "-U", "postgres", "--auth=trust", "-N"])
        with (data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"port = {port}\nunix_socket_directories = ''\n")
        start(site, data)
        for tool, name in (("createuser", ROLE), ("createdb", DATABASE)):
            there = ["-h", "127.0.0.1", "-p", str(port), "-U", "postgres"]
            run_as_server([str(site.binaries.tool(tool)), *there, name])
        try:
            yield
        finally:
            stop(site, data)
    start(site, data)


def _secret(path: str, which: Callable[[Scene], str], password: Callable[[Scene], str]) -> Inject:
    """A URL of the config with a wrong password."""

    @contextmanager
    def inject(scene: Scene) -> Iterator[None]:
        config = scene.project.config.read_text()
        keep(scene.project, path, which(scene).replace(password(scene), "another"))
        try:
            yield
        finally:
            scene.project.config.write_text(config)

    return inject


def _killed_in_pause(scene: Scene) -> Ended:
    """The standby's postmaster, while pgbouncer holds the clients for its promotion."""
    with started(scene.project, *scene.words, apart=True) as run:
        with held_transaction(scene.project):
            wait_until(scene.project.paused, DEADLINE, "PAUSE")
            os.kill(_postmaster(scene), signal.SIGKILL)
            wait_until(lambda: not listens(scene.port), DEADLINE, "the standby's end")
        return run.ended()


@contextmanager
def _started_again(scene: Scene) -> Iterator[None]:
    """Started by an operator, who has to wait for the killed postmaster's last processes."""
    yield

    def starts() -> bool:
        try:
            start(scene.site.site, _data(scene))
        except AssertionError:
            return False
        return True

    wait_until(starts, DEADLINE, "the standby's start")


def _url(scene: Scene) -> str:
    record = scene.site.site.record
    return record.superuser_url.replace(f":{record.postgres_port}/", f":{scene.port}/")


FAULTS = [
    Fault(
        "standby-down",
        "the standby is down",
        at("preview restore", failed("server-unanswering"))
        | at("cutover", failed("target-refuses", f"cutover {NAME}", "validated"))
        | unharmed("rollback teardown"),
        _down,
        sources=SOURCES,
    ),
    Fault(
        "standby-paused",
        "somebody has paused the standby's replay",
        unharmed("preview restore teardown") | at("cutover", failed("replay-paused")),
        _held("SELECT pg_wal_replay_pause()", "SELECT pg_wal_replay_resume()"),
        sources=SOURCES,
    ),
    Fault(
        "standby-delayed",
        "the standby replays an hour late on purpose",
        unharmed("preview restore") | at("cutover", failed("replica-delayed")),
        _held(
            "ALTER SYSTEM SET recovery_min_apply_delay = '1h'",
            "ALTER SYSTEM RESET recovery_min_apply_delay",
        ),
        sources=SOURCES,
    ),
    Fault(
        "standby-password",
        "the config has a wrong password of the standby",
        at("preview restore", failed("server-unanswering")),
        _secret(
            f"source.replicas.{REPLICA}.url", _url, lambda scene: scene.site.site.record.superuser_password
        ),
        sources=SOURCES,
    ),
    Fault(
        "admin-password",
        "the config has a wrong password of the original's superuser",
        at("preview restore", failed("server-unanswering")),
        _secret(
            "source.admin-url",
            lambda scene: scene.site.site.record.superuser_url,
            lambda scene: scene.site.site.record.superuser_password,
        ),
        sources=SOURCES,
    ),
    Fault(
        "standby-of-another-cluster",
        "the standby is of another cluster",
        at("preview restore", failed("another-cluster"))
        | at("cutover", failed("source-differs", f"cutover {NAME}", "validated")),
        _of_strangers,
        sources=SOURCES,
    ),
    Fault(
        "source-killed",
        "the original's postmaster is killed",
        at("preview restore cutover", failed("source-dead")) | unharmed("teardown"),
        source_killed,
        sources=SOURCES,
    ),
    Fault(
        "standby-killed-paused",
        "the standby's postmaster is killed while clients are paused for its promotion",
        at("cutover", failed("server-refused")),
        _started_again,
        run=_killed_in_pause,
        sources=SOURCES,
    ),
]
