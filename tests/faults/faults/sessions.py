"""Servers that do not let us in: wrong passwords, expired roles, no connection left, sessions without end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import psycopg
from psycopg import sql

from tests.faults.breaking import cannot_mount, read_only, rewritten
from tests.faults.fault import Fault, at, failed, unharmed
from tests.faults.scene import Scene
from tests.support.killing import held_transaction

ROLE = "starforge"
Inject = Callable[[Scene], AbstractContextManager[None]]
Port = Callable[[Scene], int]


def _restore(scene: Scene) -> int:
    return scene.port


def _source(_scene: Scene) -> int:
    return 0


def _altered(port: Port, wrong: str, right: str) -> Inject:
    """A statement on the role, and the one that takes it back."""

    def execute(scene: Scene, statement: str) -> None:
        with scene.superuser(port(scene)) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(ROLE)))

    @contextmanager
    def inject(scene: Scene) -> Iterator[None]:
        execute(scene, wrong)
        try:
            yield
        finally:
            execute(scene, right)

    return inject


def _wrong_password(port: Port) -> Inject:
    @contextmanager
    def inject(scene: Scene) -> Iterator[None]:
        with scene.superuser(port(scene)) as connection:
            row = connection.execute(
                "SELECT rolpassword FROM pg_authid WHERE rolname = %s", [ROLE]
            ).fetchone()
        assert row
        change = sql.SQL("ALTER ROLE {} PASSWORD {}")
        with scene.superuser(port(scene)) as connection:
            connection.execute(change.format(sql.Identifier(ROLE), sql.Literal("another")))
        try:
            yield
        finally:
            with scene.superuser(port(scene)) as connection:
                connection.execute(change.format(sql.Identifier(ROLE), sql.Literal(row[0])))

    return inject


def _no_connection_left(port: Port) -> Inject:
    """Sessions of the role itself, up to its limit: nobody else is kept out."""

    @contextmanager
    def inject(scene: Scene) -> Iterator[None]:
        with ExitStack() as stack:
            url = scene.site.site.record.source_url
            if port(scene):
                url = url.replace(f":{scene.site.site.record.postgres_port}/", f":{port(scene)}/")
            for _ in range(2):
                stack.enter_context(psycopg.connect(url, autocommit=True))
            with _altered(port, "ALTER ROLE {} CONNECTION LIMIT 1", "ALTER ROLE {} CONNECTION LIMIT -1")(
                scene
            ):
                yield

    return inject


@contextmanager
def _full(scene: Scene) -> Iterator[None]:
    """max_connections of the restore, all taken by somebody."""
    with ExitStack() as stack, scene.superuser(scene.port) as first:
        row = first.execute("SHOW max_connections").fetchone()
        reserved = first.execute("SHOW superuser_reserved_connections").fetchone()
        assert row
        assert reserved
        url = scene.site.site.record.source_url.replace(
            f":{scene.site.site.record.postgres_port}/", f":{scene.port}/"
        )
        for _ in range(int(row[0]) - int(reserved[0]) - 1):
            stack.enter_context(psycopg.connect(url, autocommit=True))
        yield


@contextmanager
def _wrong_console(scene: Scene) -> Iterator[None]:
    """pgbouncer's administrators have another password by now."""
    record, world = scene.site.site.record, scene.site.world
    listed = record.pooler / "userlist.txt"
    wrong = listed.read_text().replace(record.console_password, "another").encode()
    try:
        with rewritten(listed, lambda _content: wrong):
            world.console("RELOAD")
            yield
    finally:  # the console does not let us in to say RELOAD: SIGHUP does the same
        world.signal_pooler()


@contextmanager
def _endless(scene: Scene) -> Iterator[None]:
    with held_transaction(scene.project):
        yield


_RESTORE_SHUT = at("validate", failed("database-unreachable")) | at(
    "cutover", failed("target-refuses", "cutover before-accident", "validated")
)

FAULTS = [
    Fault(
        "restore-password",
        "the restore knows another password of the application",
        _RESTORE_SHUT,
        _wrong_password(_restore),
    ),
    Fault(
        "restore-role-expired",
        "the application's role on the restore has expired",
        _RESTORE_SHUT,
        _altered(_restore, "ALTER ROLE {} VALID UNTIL '2020-01-01'", "ALTER ROLE {} VALID UNTIL 'infinity'"),
    ),
    Fault(
        "restore-role-locked",
        "the application's role on the restore may not log in",
        _RESTORE_SHUT,
        _altered(_restore, "ALTER ROLE {} NOLOGIN", "ALTER ROLE {} LOGIN"),
    ),
    Fault(
        "restore-role-limit",
        "the application's role has no connection left on the restore",
        _RESTORE_SHUT,
        _no_connection_left(_restore),
    ),
    Fault(
        "restore-max-connections",
        "max_connections of the restore is reached",
        _RESTORE_SHUT,
        _full,
    ),
    Fault(
        "source-password",
        "the original knows another password of the application",
        unharmed("preview pause restore validate cutover teardown")
        | at("rollback", failed("target-refuses")),
        _wrong_password(_source),
    ),
    Fault(
        "source-role-expired",
        "the application's role on the original has expired",
        unharmed("preview pause restore validate cutover teardown")
        | at("rollback", failed("target-refuses")),
        _altered(_source, "ALTER ROLE {} VALID UNTIL '2020-01-01'", "ALTER ROLE {} VALID UNTIL 'infinity'"),
    ),
    Fault(
        "source-role-limit",
        "the application's role has no connection left on the original",
        unharmed("pause restore cutover") | at("rollback", failed("target-refuses")),
        _no_connection_left(_source),
    ),
    Fault(
        "pgbouncer-password",
        "pgbouncer's console knows another password",
        unharmed("pause restore resume") | at("cutover rollback", failed("pgbouncer-login")),
        _wrong_console,
    ),
    Fault(
        "endless-transaction",
        "a transaction through pgbouncer never ends",
        unharmed("pause resume") | at("cutover rollback", failed("pause-timed-out")),
        _endless,
    ),
    Fault(
        "pgbouncer-read-only",
        "pgbouncer's files are on a read-only file system",
        at("cutover rollback", failed("file-not-writable")),
        lambda scene: read_only(scene.site.site.record.pooler),
        needs=cannot_mount,
    ),
    Fault(
        "pgbouncer-entry-gone",
        "pgbouncer's file has no line of the database any more",
        at("cutover rollback", failed("route-not-in-config")),
        lambda scene: rewritten(
            scene.site.site.record.pooler / "pgbouncer.ini",
            lambda content: content.replace(b"starforge = host", b"another = host"),
        ),
    ),
]
