"""Starts a site's servers: PostgreSQL, pgbouncer, and supervisord with the application."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from urllib.request import urlopen

import psycopg
from psycopg import sql

from problem import Problem
from rehearsal import configuration
from rehearsal.processes import Mark, launch, wait_ready
from rehearsal.record import DATABASE, ROLE, Record
from rehearsal.starforge.seed import seed
from toolchain.accounts import Account, server_account
from toolchain.pgbouncer import find_pgbouncer
from toolchain.postgres import Binaries


def make_folders(record: Record, who: Account | None) -> None:
    """The site's folders: those of the servers belong to ``who``, the application's to us."""
    for path in (record.data.parent, record.archive, record.backups, record.restores, record.pooler):
        path.mkdir(mode=0o750)
        _give(path, who)
    record.app.mkdir(mode=0o700)


def start_postgres(record: Record, binaries: Binaries) -> Popen[bytes]:
    """Initialise the original, run it, and fill its database."""
    who, log = server_account(), record.data.parent / "log"
    _initialise(record, binaries, who)
    command = [str(binaries.tool("postgres")), "-D", str(record.data)]
    process = launch(Mark(record.folder, "postgres"), command, log, who)
    maintenance = record.superuser_url.removesuffix(DATABASE) + "postgres"
    wait_ready(process, lambda: answers(maintenance), log, 30)
    _make_database(maintenance, record)
    seed(record.source_url)
    return process


def start_pgbouncer(record: Record) -> Popen[bytes]:
    """Run the pooler until its console answers."""
    who, log = server_account(), record.pooler / "log"
    for name, text in (
        ("pgbouncer.ini", configuration.pgbouncer(record)),
        ("userlist.txt", configuration.userlist(record)),
    ):
        write_private(record.pooler / name, text, who)
    command = [str(find_pgbouncer()), str(record.pooler / "pgbouncer.ini")]
    process = launch(Mark(record.folder, "pgbouncer"), command, log, who)
    wait_ready(process, lambda: answers(record.admin_url), log, 15)
    return process


def start_application(record: Record) -> Popen[bytes]:
    """Run supervisord with the API and the ETL workers, until the API is healthy.

    They run as ourselves: on many machines no other account may read our Python.
    """
    app, log = record.app, record.app / "log"
    files = {
        "api.env": f"DATABASE_URL={record.pooled_url}\n",
        "etl.env": f"DATABASE_URL={record.source_url}\n",
        "flags.env": "ingestion=true\n",
        "suite.yaml": configuration.suite(),
        "supervisord.conf": configuration.supervisord(record),
    }
    for name, text in files.items():
        write_private(app / name, text, None)
    command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(app / "supervisord.conf")]
    process = launch(Mark(record.folder, "supervisord"), command, log, None)
    wait_ready(process, lambda: _healthy(record.api_url), log, 30)
    return process


def run(command: Sequence[str | Path], password: str = "") -> str:
    """Run one of PostgreSQL's programs as the servers' account; its output.

    Problem ``postgres-tool-failed`` with what it said, where it fails.
    """
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "PGPASSWORD": password}
    who = server_account()
    identity = who.popen() if who else {}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd="/", env=environment, check=False, **identity
    )
    if done.returncode != 0:
        what = f"{Path(command[0]).name} failed: {done.stderr.strip() or done.stdout.strip()}"
        raise Problem("postgres-tool-failed", what, "Mend what it names and run the rehearsal again.")
    return done.stdout


def wait_for(condition: Callable[[], bool], limit: float, problem: Problem) -> None:
    """Return once ``condition``; raise ``problem`` after ``limit`` seconds."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise problem
        time.sleep(0.02)


def write_private(path: Path, text: str, who: Account | None) -> None:
    """Write a file that only ``who`` (None: ourselves) may read."""
    path.touch(mode=0o600)
    path.write_text(text)
    _give(path, who)


def answers(url: str) -> bool:
    """Whether a session can be had there now."""
    with suppress(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=5, autocommit=True, prepare_threshold=None).close()
        return True
    return False


def _healthy(api: str) -> bool:
    with suppress(OSError), urlopen(f"{api}/api/health", timeout=5) as response:  # noqa: S310 - our own http
        return bool(response.status == 200)
    return False


def _initialise(record: Record, binaries: Binaries, who: Account | None) -> None:
    secret = record.data.parent / "superuser"
    write_private(secret, record.superuser_password, who)
    options = ["-U", "postgres", f"--pwfile={secret}", "--auth=scram-sha-256"]
    options += ["--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums"]
    try:
        run([binaries.tool("initdb"), "-D", record.data, *options])
    finally:
        secret.unlink()
    with (record.data / "postgresql.conf").open("a") as file:
        file.write(configuration.postgresql(record))


def _make_database(maintenance: str, record: Record) -> None:
    with psycopg.connect(maintenance, autocommit=True) as connection:
        role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        connection.execute(create.format(role, sql.Literal(record.password)))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))


def _give(path: Path, who: Account | None) -> None:
    if who is not None:
        os.chown(path, who.uid, who.gid)
